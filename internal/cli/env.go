package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepwell/internal/server"
)

func newEnv(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the variables that point AWS clients at the server",
		Long: `Print shell commands that point the AWS CLI, boto3, the AWS SDKs and psql at the
running server:

  eval "$(stepwell env)"
  aws s3 ls
  psql`,
		Args: cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			a, err := server.ReadAddress(o.dataDir)
			if o.endpoint != "" {
				a.Endpoint = o.endpoint
			} else if err != nil {
				a = server.Address{Endpoint: "http://127.0.0.1:4566", Redshift: "127.0.0.1:5439"}
			}
			host, port := hostPort(a.Redshift)
			if a.CABundle != "" {
				fmt.Fprintf(o.std.Out, "export SSL_CERT_FILE=%s\n", a.CABundle)
			}
			_, err = fmt.Fprintf(o.std.Out, `export AWS_ENDPOINT_URL=%s
export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=stepwell
export AWS_REGION=%s
export AWS_DEFAULT_REGION=%[3]s
export AWS_DISABLE_HOST_PREFIX_INJECTION=true
export PGHOST=%s
export PGPORT=%d
export PGUSER=awsuser
export PGDATABASE=dev
export PGPASSWORD=stepwell
`, a.Endpoint, account(), region(), host, port)
			return err
		},
	}
}
