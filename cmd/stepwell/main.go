// Command stepwell runs AWS data pipelines on this machine.
package main

import (
	"os"

	"stepwell/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
