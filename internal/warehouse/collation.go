package warehouse

import "stepwell/internal/rsql/types"

// insensitive is the name of the collation that disregards case, in the
// metadata and in column definitions.
const insensitive = "case_insensitive"

// collation names the collation of a column's type; "" is case_sensitive.
func collation(t types.Type) string {
	if t.Insensitive {
		return insensitive
	}
	return ""
}

// collation is what texts of the session's database have unless a column says otherwise.
func (s *Session) collation() string {
	if s.cluster.current().Databases[s.identity.Database].Insensitive {
		return insensitive
	}
	return ""
}
