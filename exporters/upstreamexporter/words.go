package upstreamexporter

import (
	"context"
	"encoding/json"
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
	u.takeIn(u.book.Load())
	tick := time.NewTicker(u.listenEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			u.takeIn(u.book.Load())
			u.hear(u.book.Load())
		}
	}
}

// takeIn records what others left in the inbox. A policy's text comes before each
// refusal of it, and is recorded once.
func (u *upstream) takeIn(l *ledger.Ledger) {
	var failed bool
	err := inbox.Take(u.fsys, u.cfg.Data, func(r ledger.Record) error {
		if r.Kind == ledger.KindPolicy && l.HasPolicy(r.PolicyDigest) {
			return nil
		}
		_, err := l.Append(r)
		failed = err != nil
		return err
	})
	switch {
	case failed:
		u.senderFailed(err)
	case err == nil:
		u.inboxFault = ""
	case err.Error() != u.inboxFault: // said once
		u.inboxFault = err.Error()
		u.log.Warn("not everything that was decided could be recorded", zap.Error(err))
	}
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
