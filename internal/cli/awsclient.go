package cli

import (
	"os"

	"stepwell/internal/bus"
	"stepwell/internal/server"
	"stepwell/internal/wire/remote"
	"stepwell/internal/wire/sigv4"
)

// newAWSClient calls the operations of a server over HTTP, as any AWS client does.
func newAWSClient(endpoint string) bus.Invoker {
	return remote.New(remote.Options{Endpoint: endpoint, Region: region(), Models: server.Models(), Credentials: credentials()})
}

// credentials are those of AWS clients in this environment, for servers that
// verify signatures; others take any.
func credentials() sigv4.Credentials {
	c := sigv4.Credentials{AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
	if c.AccessKey == "" || c.SecretKey == "" {
		return sigv4.Credentials{AccessKey: account(), SecretKey: "stepwell"}
	}
	return c
}
