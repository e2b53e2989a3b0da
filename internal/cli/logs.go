package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
)

func newLogs(o *options) *cobra.Command {
	var stream, filter string
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs [GROUP]",
		Short: "List log groups, or print the events of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.close()
			if len(args) == 0 {
				return listLogGroups(cmd.Context(), o, c)
			}
			in := &logs.FilterLogEventsInput{LogGroupName: &args[0]}
			if stream != "" {
				in.LogStreamNamePrefix = &stream
			}
			if filter != "" {
				in.FilterPattern = &filter
			}
			return printLog(cmd.Context(), o, c, in, follow)
		},
	}
	cmd.Flags().StringVar(&stream, "stream", "", "only streams whose names begin so, e.g. a job run id")
	cmd.Flags().StringVar(&filter, "filter", "", "a CloudWatch Logs filter pattern")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new events until interrupted")
	return cmd
}

func listLogGroups(ctx context.Context, o *options, c *connection) error {
	in := &logs.DescribeLogGroupsInput{}
	for {
		page, err := bus.Invoke[logs.DescribeLogGroupsOutput](ctx, c.aws, "logs", "DescribeLogGroups", in)
		if err != nil {
			return err
		}
		for _, g := range page.LogGroups {
			fmt.Fprintln(o.std.Out, *g.LogGroupName)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return nil
		}
	}
}

// lateness is how long after later events an event may still arrive: streams are
// written independently of each other.
const lateness = time.Minute

func printLog(ctx context.Context, o *options, c *connection, in *logs.FilterLogEventsInput, follow bool) error {
	seen := map[string]int64{} // when the printed events happened that may come again
	var latest int64
	for {
		page, err := bus.Invoke[logs.FilterLogEventsOutput](ctx, c.aws, "logs", "FilterLogEvents", in)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if _, again := seen[*e.EventId]; again {
				continue
			}
			seen[*e.EventId] = *e.Timestamp
			latest = max(latest, *e.Timestamp)
			at := time.UnixMilli(*e.Timestamp).Format("15:04:05.000")
			fmt.Fprintf(o.std.Out, "%s %s %s\n", at, shortStream(*e.LogStreamName), strings.TrimRight(*e.Message, "\n"))
		}
		if in.NextToken = page.NextToken; in.NextToken != nil {
			continue
		}
		if !follow {
			return nil
		}
		start := max(0, latest-lateness.Milliseconds())
		in.StartTime = &start
		maps.DeleteFunc(seen, func(_ string, at int64) bool { return at < start })
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func shortStream(name string) string {
	if r := []rune(name); len(r) > 15 {
		return string(r[:15])
	}
	return name
}
