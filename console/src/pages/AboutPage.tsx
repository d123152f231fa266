import { useEffect } from "preact/hooks";
import type { About } from "../api/weir";
import { dateTime, zone } from "../format/time";

export function AboutPage({ me }: { me: About }) {
  useEffect(() => {
    document.title = "About · Weir";
  }, []);
  return (
    <>
      <div class="toolbar"><h1>About</h1></div>
      <dl class="facts wide">
        <div><dt>Weir</dt><dd>{me.version}, {me.commit}</dd></div>
        <div><dt>Role</dt><dd>{me.role}</dd></div>
        {me.install && <div><dt>Install</dt><dd><code>{me.install}</code></dd></div>}
        <div><dt>Running since</dt><dd>{dateTime(Date.parse(me.started))}</dd></div>
        <div><dt>Data folder</dt><dd><code>{me.data}</code></dd></div>
        <div><dt>Times are in</dt><dd>{zone()}</dd></div>
        <div><dt>You are</dt><dd>{me.user ? `${me.user}, ${me.may}` : `${me.may}: nobody has to say who they are on this listener`}</dd></div>
      </dl>
      <h2>Data sources for Grafana</h2>
      <dl class="facts wide">
        <div><dt>Prometheus</dt><dd><code>{location.origin}</code></dd></div>
        <div><dt>Loki</dt><dd><code>{location.origin}</code></dd></div>
      </dl>
      <h2>Configuration</h2>
      <p class="note">As it is in force; values that look like secrets are hidden.</p>
      <pre class="dump" tabIndex={0} aria-label="Configuration">{me.config}</pre>
    </>
  );
}
