// Package lint holds the house rules of this repository as tests: which package
// may import which, that every package says what it is for, how long files and
// functions may be, and what no return statement relies on. Nothing imports it.
package lint
