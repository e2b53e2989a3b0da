package cli

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"stepwell/internal/server"
)

func newServe(o *options) *cobra.Command {
	so := server.Options{Places: true}
	var verbose bool
	var mock string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the AWS services and the warehouse until stopped",
		Long: `Serve the AWS services on one port and Redshift's wire protocol on another
until the program is stopped. On a loopback address any credentials are
accepted, unless --auth is given; on any other address signatures are always
verified, and TLS or --insecure is demanded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelInfo
			}
			so.DataDir, so.CacheDir, so.TimeScale = o.dataDir, cacheDir(), o.timeScale
			so.Account, so.Region = account(), region()
			if mock != "" {
				var err error
				if so.Mocks, _, err = o.readMocks(mock); err != nil {
					return err
				}
			}
			so.Log = slog.New(slog.NewTextHandler(o.std.Err, &slog.HandlerOptions{Level: level}))
			s, err := server.Start(cmd.Context(), so)
			if err != nil {
				return err
			}
			a := s.Address()
			fmt.Fprintf(o.std.Out, "AWS endpoint  %s\nRedshift      %s (database dev, user awsuser)\nData folder   %s\nReady after %d ms.\n",
				a.Endpoint, a.Redshift, a.DataDir, s.StartupTime().Milliseconds())
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	f := cmd.Flags()
	f.StringVar(&so.Listen, "listen", "127.0.0.1:4566", "address of the AWS endpoint")
	f.StringVar(&so.Redshift, "redshift", "127.0.0.1:5439", "address of the Redshift wire protocol")
	f.BoolVar(&so.Auth, "auth", false, "verify signatures and passwords on loopback, too")
	f.StringArrayVar(&so.Credentials, "credentials", nil, "ACCESS_KEY:SECRET[:ACCOUNT] that --auth accepts; may be repeated")
	f.StringVar(&so.RedshiftPassword, "redshift-password", "", "password of awsuser on the default cluster, where passwords are checked")
	f.StringVar(&so.RedshiftMemory, "redshift-memory", "", "most memory a cluster takes for its data, such as 4GiB; more goes to disk (default: 80 % of the machine's)")
	f.StringVar(&so.TLSCert, "tls-cert", "", "certificate file (PEM)")
	f.StringVar(&so.TLSKey, "tls-key", "", "key file (PEM)")
	f.BoolVar(&so.Insecure, "insecure", false, "allow an address off loopback without TLS")
	f.StringArrayVar(&so.Route, "route", nil, "SERVICE=profile=NAME,region=REGION[,endpoint=URL]: AWS answers for the service, e.g. redshift-data; may be repeated")
	f.StringArrayVar(&so.Bind, "bind", nil, "CLUSTER=HOST:PORT,secret=SECRET[,dbname=NAME][,sslmode=MODE]: SQL for the cluster goes to that Redshift; may be repeated")
	f.StringVar(&so.SMTP, "smtp", "", "host:port of a mail server for SNS e-mail (default: files in the data folder's outbox)")
	f.StringVar(&so.MailFrom, "mail-from", "no-reply@sns.amazonaws.com", "sender of SNS e-mail")
	f.StringVar(&so.Python, "python", "", "Python interpreter for Glue jobs (default: python3 on PATH)")
	f.StringVar(&mock, "mock", "", "mock file: an execution of STATE-MACHINE-ARN#TEST-CASE answers its tasks from it")
	f.BoolVarP(&verbose, "verbose", "v", false, "log every request")
	return cmd
}
