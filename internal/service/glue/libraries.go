package glue

import (
	_ "embed"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// librariesFile lists the libraries of Python shell jobs; it says how to read it.
//
//go:embed libraries.txt
var librariesFile string

// library is a line of the file.
type library struct{ module, text, requirement string }

// librarySets are the libraries of each section.
type librarySets map[string][]library

// The library sets of AWS: "none" still has boto3.
const (
	setNone      = "none"
	setAnalytics = "analytics"
)

func readLibraries() librarySets {
	sets := librarySets{}
	section := ""
	for line := range strings.Lines(librariesFile) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) == 1:
			section = strings.Trim(fields[0], "[]")
		default:
			sets[section] = append(sets[section], library{fields[0], fields[1], strings.Join(fields[2:], " ")})
		}
	}
	return sets
}

// of returns the libraries that a job with the library set has.
func (l librarySets) of(set string) []library {
	if set == setNone {
		return l[setNone]
	}
	return slices.Concat(l[setNone], l[setAnalytics])
}

// texts are the texts that decide about libraries, for scan.py.
func texts(list []library) []string {
	var found []string
	for _, l := range list {
		if l.text != "-" && !slices.Contains(found, l.text) {
			found = append(found, l.text)
		}
	}
	return found
}

// scanned is what scan.py found in the code of a job.
type scanned struct{ Imports, Provides, Texts []string }

// needs returns the requirements of the libraries that the code imports and
// neither brings itself nor has among chosen, the job's own requirements.
func (c scanned) needs(list []library, chosen []string) []string {
	own := map[string]bool{}
	for _, r := range chosen {
		own[project(r)] = true
	}
	var requirements []string
	for _, l := range list {
		if slices.Contains(c.Imports, l.module) && !slices.Contains(c.Provides, l.module) &&
			(l.text == "-" || slices.Contains(c.Texts, l.text)) && !own[project(l.requirement)] {
			requirements = append(requirements, l.requirement)
		}
	}
	slices.Sort(requirements)
	return slices.Compact(requirements)
}

var projectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

var separators = regexp.MustCompile(`[-_.]+`)

// project is the normalised name of the project of a requirement or a wheel
// (PEP 503), e.g. "redshift-connector".
func project(requirement string) string {
	if strings.HasSuffix(requirement, ".whl") {
		requirement, _, _ = strings.Cut(filepath.Base(requirement), "-")
	}
	return strings.ToLower(separators.ReplaceAllString(projectName.FindString(requirement), "-"))
}
