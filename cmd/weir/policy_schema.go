package main

import (
	"fmt"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// runPolicySchema prints the JSON Schema of the policy file.
func runPolicySchema(e env, args []string) int {
	if len(args) > 0 {
		return e.fail(fmt.Errorf("%w: usage: weir policy schema", errUsage))
	}
	schema, err := policy.Schema()
	if err != nil {
		return e.fail(err)
	}
	if _, err := e.out.Write(schema); err != nil {
		return e.fail(err)
	}
	return exitYes
}
