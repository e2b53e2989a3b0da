package states

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"stepwell/internal/asl/syntax"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

// labelForbidden are the characters that the Label of a Map state must not have
// besides white space and control characters (developer guide, "Distributed
// mode", Label).
const labelForbidden = "?*<>{}[]:;,\\|^~$#%&`\""

// badLabel finds a Label of a machine's Map states with a character that must
// not be there; -1 = none.
func badLabel(m *syntax.Machine, at string) (location string, bad rune) {
	for _, s := range m.States {
		location = at + "/States/" + s.Name
		switch b := s.Body.(type) {
		case *syntax.Parallel:
			for n, branch := range b.Branches {
				if found, bad := badLabel(branch, location+"/Branches["+strconv.Itoa(n)+"]"); bad >= 0 {
					return found, bad
				}
			}
		case *syntax.Map:
			i := strings.IndexFunc(b.Label, func(c rune) bool {
				return unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune(labelForbidden, c)
			})
			if i >= 0 {
				return location + "/Label", []rune(b.Label[i:])[0]
			}
			if b.Processor != nil {
				if found, bad := badLabel(b.Processor, location+"/ItemProcessor"); bad >= 0 {
					return found, bad
				}
			}
		}
	}
	return "", -1
}

// checkLabels refuses labels with characters that must not be there. That AWS
// refuses them is documented; the text is not known to be AWS's. It is the one
// of the recordings at hand, which carry no date of validation against AWS and
// read like the fault of a Python program, sentence and character each quoted
// as Python quotes them. An AWS recording, once there is one, replaces it.
func checkLabels(definition string) *awserr.Error {
	def, _ := syntax.Parse(definition)
	if def == nil || def.Machine == nil {
		return nil
	}
	_, bad := badLabel(def.Machine, "")
	if bad < 0 {
		return nil
	}
	sentence := "Label contains invalid character: " + quoted(string(bad))
	return api.InvalidDefinition("Error=ValueError Args=[%s] in definition '%s'.", quoted(sentence), definition)
}

// quoted is a text in Python's quotes: single ones, double ones where the text
// has single quotes and no double ones.
func quoted(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, c := range s {
		switch {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n' || c == '\r' || c == '\t':
			b.WriteString(map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`}[c])
		case c < 0x100 && c != ' ' && (unicode.IsControl(c) || unicode.IsSpace(c)):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
