package cli

import (
	"stepwell/internal/bus"
	"stepwell/internal/server"
	"stepwell/internal/wire/remote"
	"stepwell/internal/wire/sigv4"
)

// newAWSClient calls the operations of a server over HTTP, as any AWS client does.
func newAWSClient(endpoint string) bus.Invoker {
	return remote.New(remote.Options{
		Endpoint: endpoint, Region: region(), Models: server.Models(),
		Credentials: sigv4.Credentials{AccessKey: account(), SecretKey: "stepwell"},
	})
}
