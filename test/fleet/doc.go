// Package fleet tests the door of a fleet as it is built of its parts: the fleet
// receiver, the gate and the shared folder, over real TLS sockets.
package fleet
