// Command compose reads a compose file as `docker compose` does, with the library
// that is in it: the specification's schema, interpolation, merging, and what
// services say of each other. It starts nothing.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: compose FILE")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "compose:", err)
		os.Exit(1)
	}
}

func check(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithResolvedPaths(true))
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	fmt.Printf("%s: %d services, read as docker compose reads it\n", file, len(project.Services))
	return nil
}
