package states

import (
	"regexp"

	"stepwell/internal/diag"
)

// placeholder is a name that CloudFormation and SAM replace before the service
// sees a definition (DefinitionSubstitutions).
var placeholder = regexp.MustCompile(`\$\{[A-Za-z0-9_.:-]+\}`)

// standIns puts a number where a placeholder stands outside of strings. The
// text keeps its length, so that places in it stay what they are.
func standIns(definition string) string {
	text, quoted := []byte(definition), false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == '$' && !quoted:
			if at := placeholder.FindIndex(text[i:]); at != nil && at[0] == 0 {
				for j := range text[i : i+at[1]] {
					text[i+j] = ' '
				}
				text[i] = '1'
			}
		}
	}
	return string(text)
}

// undecided reports whether the value at a place depends on a placeholder.
func undecided(definition string, at diag.Span) bool {
	rest := definition[at.Start:]
	if first := placeholder.FindStringIndex(rest); first != nil && first[0] == 0 {
		return true
	}
	return rest != "" && rest[0] == '"' && placeholder.MatchString(definition[at.Start:at.End])
}
