package upstreamexporter

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// say records a policy's text and its acceptance, if the ledger does not have
// them or the acceptance was signed or renewed since. After a start it is not
// known with which words a policy was accepted in the ledger; a signed acceptance
// is recorded again then.
func (u *upstream) say(l *ledger.Ledger, p *policy.Policy, a consent.Acceptance, destination string) error {
	if !l.HasPolicy(p.Digest) {
		if _, err := l.Append(ledger.Record{Kind: ledger.KindPolicy, PolicyDigest: p.Digest, Destination: destination, Body: p.Source}); err != nil {
			return err
		}
	}
	last, known := u.said[p.Digest]
	if l.Accepted(p.Digest) && (known && last == a || !known && a.Note == "") {
		u.said[p.Digest] = a
		return nil
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := u.takeIn(l); err != nil { // a refusal that came before it
		return err
	}
	if _, err := l.Append(ledger.Record{Kind: ledger.KindAcceptance, PolicyDigest: p.Digest, Destination: destination, Body: body}); err != nil {
		return err
	}
	u.said[p.Digest] = a
	return nil
}

// settleTime is how long the folder of acceptances must lie still before it is
// trusted not to have changed.
const settleTime = 2 * time.Second

// listenEvery is how often it is looked whether a person decided something.
const listenEvery = 10 * time.Second

// listen does that beside the sender, which may be waiting for a destination
// that does not answer.
func (u *upstream) listen(ctx context.Context) {
	tick := time.NewTicker(u.listenEvery)
	defer tick.Stop()
	for {
		l := u.book.Load()
		if err := u.takeIn(l); err != nil {
			u.senderFailed(err)
		}
		u.hear(l)
		u.sayInForce(l)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sayInForce records what came into force without waiting for its first report,
// which may be an interval away. The source is a moment behind the folder, so
// what was taken back just now is not said once more.
func (u *upstream) sayInForce(l *ledger.Ledger) {
	d := u.source.Decision()
	if d.State != consent.Active || d.Policy == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.said[d.Policy.Digest] == d.Acceptance && (d.Same == nil || u.said[d.Same.Digest] == d.SameAs) {
		return
	}
	if _, a, err := consent.Standing(u.fsys, u.cfg.Data, d.Policy.Digest); err != nil || a != d.Acceptance {
		return
	}
	if err := u.sayAll(l, d); err != nil && !errors.Is(err, ledger.ErrClosed) {
		u.ledgerFailed(err)
	}
}

// sayAll says what is in force, and the file if that says the same in other words.
func (u *upstream) sayAll(l *ledger.Ledger, d consent.Decision) error {
	err := u.say(l, d.Policy, d.Acceptance, d.Policy.Destination)
	if err == nil && d.Same != nil {
		err = u.say(l, d.Same, d.SameAs, d.Policy.Destination)
	}
	return err
}

// takeIn records what others left in the inbox. A policy's text comes before each
// refusal of it, and is recorded once. The error is the ledger's.
func (u *upstream) takeIn(l *ledger.Ledger) error {
	u.inbox.Lock()
	defer u.inbox.Unlock()
	var failed error
	err := inbox.Take(u.fsys, u.cfg.Data, func(r ledger.Record) error {
		if r.Kind == ledger.KindPolicy && l.HasPolicy(r.PolicyDigest) {
			return nil
		}
		_, failed = l.Append(r)
		return failed
	})
	switch {
	case failed != nil:
	case err == nil:
		u.inbox.fault = ""
	case err.Error() != u.inbox.fault: // said once
		u.inbox.fault = err.Error()
		u.log.Warn("not everything that was decided could be recorded", zap.Error(err))
	}
	return failed
}

// hear records what was taken back of what the ledger says is accepted. What is
// wrong in the folder is the policy extension's to say.
func (u *upstream) hear(l *ledger.Ledger) {
	st, err := u.fsys.Stat(consent.Folder(u.cfg.Data))
	if err != nil || st.ModTime().Equal(u.heard) {
		return
	}
	list, err := consent.Revocations(u.fsys, u.cfg.Data)
	if err != nil {
		return
	}
	for _, r := range list {
		if !l.Accepted(r.Digest) {
			continue
		}
		body, err := json.Marshal(r)
		if err != nil {
			return
		}
		if _, err := l.Append(ledger.Record{Kind: ledger.KindRevocation, PolicyDigest: r.Digest, Body: body}); err != nil {
			u.senderFailed(err)
			return
		}
	}
	if age := u.now().Sub(st.ModTime()); age > settleTime {
		u.heard = st.ModTime()
	}
}
