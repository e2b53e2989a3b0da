// Package lint holds the house rules of this repository as tests: which package
// may import which, that every package says what it is for, and how long files
// and functions may be. Nothing imports it.
package lint
