//go:build !linux

package main

import "errors"

func (*prover) run() (*proof, error) {
	return nil, errors.New("egress prove needs Linux's network namespaces: run it on Linux")
}
