package process

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Place shows a process a file or a folder where it is not: the process and its
// children find From at At, which need not exist, and cannot write to it. A
// working directory that is shown is the one at At. Others see nothing of it, and
// nothing of it is left behind.
type Place struct{ At, From string }

// Mounting is how places are shown on this machine.
type Mounting int

// The ways of showing places; see TryMounting.
const (
	NoMounting   Mounting = iota
	OwnMounts             // a mount namespace, for root
	OwnUserSpace          // a user namespace with a mount namespace of its own
)

// placesCommand is the first argument of a program that shows places and becomes
// another one (Enter).
const placesCommand = "__with-places"

// within makes cmd a program that is shown places: this program is started again, in
// namespaces of its own, mounts them and becomes what cmd was.
func within(cmd *exec.Cmd, places []Place, how Mounting) error {
	if how == NoMounting {
		return fmt.Errorf("cannot start %s: mounts are not permitted here", cmd.Path)
	}
	list, err := json.Marshal(places)
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", cmd.Path, err)
	}
	cmd.Args = append([]string{os.Args[0], placesCommand, string(list), cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe"
	isolate(cmd.SysProcAttr, how)
	return nil
}

// Enter is what a program that uses places calls before all else with its arguments:
// a process that was started to show places becomes another program there, or ends.
// In all others it does nothing.
func Enter(args []string) {
	if len(args) < 4 || args[0] != placesCommand {
		return
	}
	var places []Place
	err := json.Unmarshal([]byte(args[1]), &places)
	if err == nil {
		err = becomeWithin(places, args[2], args[3:])
	}
	fmt.Fprintln(os.Stderr, "cannot start", args[2]+":", err)
	os.Exit(126)
}
