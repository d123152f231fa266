package consoleextension

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"

	"github.com/weir-telemetry/weir/console"
	"github.com/weir-telemetry/weir/internal/version"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore"
	"github.com/weir-telemetry/weir/redaction/consent"
)

var (
	_ extensioncapabilities.Dependent     = (*consoleExtension)(nil)
	_ extensioncapabilities.ConfigWatcher = (*consoleExtension)(nil)
)

type consoleExtension struct {
	cfg  *Config
	set  extension.Settings
	conf atomic.Pointer[confmap.Conf] // the effective configuration; nil before it is known
}

func newConsole(set extension.Settings, cfg *Config) *consoleExtension {
	return &consoleExtension{cfg: cfg, set: set}
}

// Dependencies are started before.
func (c *consoleExtension) Dependencies() []component.ID {
	if c.cfg.Role == edge {
		return []component.ID{c.cfg.LocalStore, c.cfg.Policy}
	}
	return []component.ID{c.cfg.LocalStore}
}

// NotifyConfig keeps the effective configuration, for the page About.
func (c *consoleExtension) NotifyConfig(_ context.Context, conf *confmap.Conf) error {
	c.conf.Store(conf)
	return nil
}

// Start mounts the pages on the local store's listener.
func (c *consoleExtension) Start(_ context.Context, host component.Host) error {
	store, ok := host.GetExtensions()[c.cfg.LocalStore].(localstore.Host)
	if !ok {
		return fmt.Errorf("there is no local store %q to be served by: name it in console::local_store and list it in service::extensions", c.cfg.LocalStore)
	}
	o := console.Options{
		FS: vfs.OS, Kind: c.cfg.Role, Data: c.cfg.Data, Version: version.Version, Commit: version.Commit, Started: time.Now(),
		Who: c.who, Config: c.config, Responsibilities: c.cfg.Responsibilities,
	}
	if c.cfg.Role == edge {
		source, ok := host.GetExtensions()[c.cfg.Policy].(consent.Source)
		if !ok {
			return fmt.Errorf("there is no policy extension %q: name it in console::policy and list it in service::extensions", c.cfg.Policy)
		}
		o.Policy, o.Ledger = source, filepath.Join(c.cfg.Data, "ledger")
	}
	h, err := console.Handler(o)
	if err != nil {
		return err
	}
	for _, pattern := range console.Patterns {
		if err := store.Mount(pattern, h); err != nil {
			return err
		}
	}
	return nil
}

// Shutdown has nothing to end: the listener is the local store's.
func (*consoleExtension) Shutdown(context.Context) error { return nil }

func (c *consoleExtension) config() map[string]any {
	conf := c.conf.Load()
	if conf == nil {
		return nil
	}
	return conf.ToStringMap()
}

// who says who asks and what they may do. The local store refuses to listen
// beyond loopback without an authenticator, so that nobody signed in means
// somebody at this machine.
func (c *consoleExtension) who(r *http.Request) (string, console.Role) {
	auth := client.FromContext(r.Context()).Auth
	if auth == nil {
		return "", console.Approver
	}
	name := ""
	for _, key := range []string{"username", "subject", "sub", "name"} {
		if s, ok := auth.GetAttribute(key).(string); ok && s != "" {
			name = s
			break
		}
	}
	switch {
	case name != "" && slices.Contains(c.cfg.Approvers, name):
		return name, console.Approver
	case name != "" && slices.Contains(c.cfg.Reviewers, name):
		return name, console.Reviewer
	default:
		return name, console.Viewer
	}
}
