package project

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// rowCounts says how many rows the warehouse moved while a state ran, from its
// own record of what it executed; "" where it moved none or is not used.
func (r *Runner) rowCounts(ctx context.Context, from, to time.Time) string {
	if len(r.file.Databases) == 0 && len(r.file.Expect) == 0 {
		return ""
	}
	database := "dev"
	if len(r.file.Databases) > 0 {
		database = r.file.Databases[0]
	}
	const stamp = "2006-01-02 15:04:05.000000"
	t, err := r.SQL.Query(ctx, database, fmt.Sprintf(
		`SELECT query_type, sum(returned_rows) FROM sys_query_history WHERE database_name = '%s'
		   AND start_time >= '%s' AND end_time <= '%s' AND query_type IN ('INSERT', 'UPDATE', 'DELETE', 'COPY', 'UNLOAD', 'CTAS')
		 GROUP BY 1 ORDER BY 1`, database, from.UTC().Format(stamp), to.UTC().Format(stamp)))
	if err != nil {
		return "" // progress is a courtesy: the run goes on without it
	}
	var parts []string
	for _, row := range t.Rows {
		if row[1] != "" && row[1] != "0" {
			parts = append(parts, fmt.Sprintf("%s %s rows", strings.ToLower(row[0]), row[1]))
		}
	}
	return strings.Join(parts, ", ")
}
