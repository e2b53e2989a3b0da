package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stepwell/internal/diag"
	"stepwell/internal/rsql"
	"stepwell/internal/sqlerr"
)

// sqlCommand is what the flags of "stepwell sql" say.
type sqlCommand struct {
	*options
	commands []string
	files    []string
	database string
	cluster  string
	format   string
	client   *sqlClient
}

func newSQL(o *options) *cobra.Command {
	s := &sqlCommand{options: o}
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Ask the warehouse, in Redshift's dialect",
		Long: `Ask the warehouse, in Redshift's dialect. Without -c and -f, statements are read
from standard input: line by line on a terminal, where a statement ends with a
semicolon and \q leaves.

An error shows the line it is about.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.main(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringArrayVarP(&s.commands, "command", "c", nil, "run these statements; may be repeated")
	f.StringArrayVarP(&s.files, "file", "f", nil, "run the statements of a file; may be repeated")
	f.StringVarP(&s.database, "database", "d", "dev", "the database")
	f.StringVar(&s.cluster, "cluster", "", "the cluster (default: the one with the database)")
	f.StringVarP(&s.format, "output", "o", "table", "table, csv or json")
	cmd.AddCommand(newExplain(o))
	return cmd
}

func (s *sqlCommand) main(ctx context.Context) error {
	if s.format != "table" && s.format != "csv" && s.format != "json" {
		return usageError{fmt.Errorf("cannot print as %q: use table, csv or json", s.format)}
	}
	// Relative names mean this folder: a server started in this process leaves it.
	for i, name := range s.files {
		s.files[i] = absolute(name)
	}
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	s.client = c.sql
	s.client.cluster = s.cluster
	s.client.onNote = func(n *pgconn.Notice) { fmt.Fprintf(s.std.Err, "%s: %s\n", n.Severity, n.Message) }
	for _, name := range s.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("cannot read statements: %w", err)
		}
		if err := s.script(ctx, name, string(text)); err != nil {
			return err
		}
	}
	for _, text := range s.commands {
		if err := s.script(ctx, "-c", text); err != nil {
			return err
		}
	}
	if len(s.files)+len(s.commands) > 0 {
		return nil
	}
	if in, ok := s.std.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		return s.interact(ctx, in)
	}
	text, err := io.ReadAll(s.std.In)
	if err != nil {
		return fmt.Errorf("cannot read statements: %w", err)
	}
	return s.script(ctx, "standard input", string(text))
}

// script runs statements one by one, as psql does, so that each is a
// transaction of its own; it stops at the first error.
func (s *sqlCommand) script(ctx context.Context, name, text string) error {
	statements, err := rsql.Parse(text)
	if err != nil { // the server says why, or is one with a dialect of its own
		statements = []rsql.Statement{{Text: text}}
	}
	for _, st := range statements {
		answers, err := s.client.script(ctx, s.database, st.Text)
		for _, a := range answers {
			if err := s.print(a); err != nil {
				return err
			}
		}
		if err != nil {
			var e *sqlerr.Error
			if errors.As(err, &e) && e.Position > 0 {
				err = e.At(e.Position + utf8.RuneCountInString(text[:st.Offset]))
			}
			printSQLError(s.std.Err, name, text, err)
			return exitError(1)
		}
	}
	return nil
}

// printSQLError shows an error with the line it is about.
func printSQLError(w io.Writer, name, text string, err error) {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		fmt.Fprintln(w, "stepwell:", err)
		return
	}
	var notes []string
	if e.Detail != "" {
		notes = append(notes, e.Detail)
	}
	if e.Hint != "" {
		notes = append(notes, e.Hint)
	}
	if e.Context != "" {
		notes = append(notes, e.Context)
	}
	if e.Position == 0 {
		fmt.Fprintf(w, "error: %s (%s)\n", e.Message, e.Code)
		for _, n := range notes {
			fmt.Fprintf(w, "  note: %s\n", n)
		}
		return
	}
	start := byteOffset(text, e.Position-1)
	end := start
	for end < len(text) && isWord(text[end]) {
		end++
	}
	diag.Render(w, name, text, diag.List{{Span: diag.Span{Start: start, End: end}, Text: e.Message + " (" + e.Code + ")", Notes: notes}})
}

func isWord(b byte) bool {
	return b == '_' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// byteOffset is where the character with the 0-based number n begins.
func byteOffset(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

func (s *sqlCommand) print(a answer) error {
	if len(a.table.Columns) == 0 {
		if s.format == "table" {
			fmt.Fprintln(s.std.Out, a.tag)
		}
		return nil
	}
	switch s.format {
	case "csv":
		w := csv.NewWriter(s.std.Out)
		if err := w.Write(a.table.Columns); err != nil {
			return err
		}
		return w.WriteAll(a.table.Rows)
	case "json":
		return printJSON(s.std.Out, a)
	}
	a.table.Print(s.std.Out)
	return nil
}

// printJSON writes an object per row and line, the values as text or null.
func printJSON(w io.Writer, a answer) error {
	for i, row := range a.table.Rows {
		var b strings.Builder
		b.WriteByte('{')
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			name, err := json.Marshal(a.table.Columns[j])
			if err != nil {
				return err
			}
			value := []byte("null")
			if !a.nulls[[2]int{i, j}] {
				if value, err = json.Marshal(v); err != nil {
					return err
				}
			}
			fmt.Fprintf(&b, "%s: %s", name, value)
		}
		b.WriteString("}\n")
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// interact reads statements from a terminal, with line editing and history.
func (s *sqlCommand) interact(ctx context.Context, in *os.File) error {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("cannot use the terminal: %w", err)
	}
	defer term.Restore(int(in.Fd()), old)
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, s.std.Out}, "")
	shown := *s
	shown.options = &options{std: Stdio{Out: t, Err: t}}
	fmt.Fprintf(t, "Redshift dialect, database %s. End statements with a semicolon; \\q leaves.\n", s.database)
	var pending strings.Builder
	for {
		t.SetPrompt(s.database + "=# ")
		if pending.Len() > 0 {
			t.SetPrompt(s.database + "-# ")
		}
		line, err := t.ReadLine()
		if errors.Is(err, io.EOF) || strings.TrimSpace(line) == `\q` {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read from the terminal: %w", err)
		}
		pending.WriteString(line + "\n")
		text := pending.String()
		if !strings.HasSuffix(strings.TrimSpace(line), ";") {
			if strings.TrimSpace(text) == "" {
				pending.Reset()
			}
			continue
		}
		pending.Reset()
		var exit exitError
		if err := shown.script(ctx, "statement", text); err != nil && !errors.As(err, &exit) {
			return err
		}
	}
}
