package main

// fleetCommands are the vendor's verbs.
func fleetCommands() []command {
	return nil
}
