package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// free says which of the addresses somebody else listens on, in one line for
// each. It stands in for ss and lsof, which a fresh machine may not have.
func free(addresses []string) error {
	var errs []error
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			errs = append(errs, fmt.Errorf("address %s is in use: stop what listens there", a))
		case err != nil:
			errs = append(errs, fmt.Errorf("address %s cannot be used: %w", a, err))
		default:
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// ready waits until every Weir says on /ready that it serves. It stands in for
// curl.
func ready(ctx context.Context, bases []string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, base := range bases {
		for {
			err := isReady(ctx, base)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is not ready after %v: %w", base, timeout, err)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}

func isReady(ctx context.Context, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/ready", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
