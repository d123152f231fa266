package fleetreceiver

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/fleet/identity"
)

// enroll exchanges a token. Nothing is known of the sender until it is granted.
func (r *fleetReceiver) enroll(w http.ResponseWriter, req *http.Request) (string, error) {
	return "", r.exchange(w, req, func(ask identity.Request) (identity.Answer, error) {
		a, err := r.door.Enroll(ask)
		if err == nil {
			r.telemetry.FleetEnrolments.Add(context.WithoutCancel(req.Context()), 1)
			r.set.Logger.Info("An install has enrolled", zap.String("install", ask.Install))
		}
		return a, err
	})
}

// renew exchanges a certificate.
func (r *fleetReceiver) renew(w http.ResponseWriter, req *http.Request) (string, error) {
	peer, err := r.peer(req)
	if err != nil {
		return "", err
	}
	return peer.Install, r.exchange(w, req, func(ask identity.Request) (identity.Answer, error) {
		a, err := r.door.Renew(peer, ask)
		if err == nil {
			r.telemetry.FleetRenewals.Add(context.WithoutCancel(req.Context()), 1)
		}
		return a, err
	})
}

func (r *fleetReceiver) exchange(w http.ResponseWriter, req *http.Request, grant func(identity.Request) (identity.Answer, error)) error {
	body, done, err := r.body(req, "application/json", identity.MaxExchange)
	if err != nil {
		return err
	}
	defer done()
	select {
	case r.exchanges <- struct{}{}:
		defer func() { <-r.exchanges }()
	default:
		return &refusal{status: http.StatusServiceUnavailable, reason: reasonBusy, retry: true}
	}
	var ask identity.Request
	if json.Unmarshal(body, &ask) != nil {
		return &identity.Refused{Status: http.StatusForbidden, Reason: identity.RequestBad}
	}
	a, err := grant(ask)
	if err != nil {
		r.logFault(err)
		return err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
	return nil
}
