package redshiftdata

import (
	"context"
	"errors"
	"fmt"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awserr"
	"stepwell/internal/sqlerr"
	"stepwell/internal/work"
)

// What became of a statement, where the SQL server has no say.
const (
	textCancelled = "Query cancelled on user's request"
	textLost      = "FATAL: terminating connection due to administrator command"
	textPrior     = "Connection or an prior query failed."
	textUnknown   = "the connection was lost during the commit: it is not known whether it took place"
)

func noEndpoint() *awserr.Error {
	return api.ValidationException("Redshift endpoint doesn't exist in this region.")
}

func noStatement() *awserr.Error {
	return api.ResourceNotFoundException("Query does not exist.").With("ResourceId", "")
}

func noResult() *awserr.Error {
	return api.ResourceNotFoundException("Query does not have result. Please check query status with DescribeStatement.").With("ResourceId", "")
}

func notCancellable(status string) *awserr.Error {
	return api.ValidationException("Could not cancel a query that is already in %s state", status)
}

// sqlText words an error of the SQL server as the Data API shows it: with its
// fields on lines of their own, as the JDBC driver prints them.
func sqlText(ctx context.Context, err error) string {
	e := sqlerr.From(err)
	if errors.Is(context.Cause(ctx), work.ErrCancelled) && e.Code != sqlerr.QueryCanceled && e.Code != OutcomeUnknown {
		return textCancelled // before the server had it
	}
	severity := e.Severity
	if severity == "" {
		severity = "ERROR"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", severity, e.Message)
	for _, f := range []struct{ name, text string }{{"Detail", e.Detail}, {"Hint", e.Hint}} {
		if f.text != "" {
			fmt.Fprintf(&b, "\n  %s: %s", f.name, f.text)
		}
	}
	if e.Position > 0 {
		fmt.Fprintf(&b, "\n  Position: %d", e.Position)
	}
	if e.Context != "" {
		fmt.Fprintf(&b, "\n  Where: %s", e.Context)
	}
	return b.String()
}
