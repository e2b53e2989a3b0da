// Package paging cuts lists into the pages of AWS's List and Describe operations.
// A token is opaque to callers: the position after which the next page begins.
//
// It knows no service: each words its own error for ErrToken and says how long
// a page is where the request does not. Services import it.
package paging

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strconv"
)

// ErrToken says that a token is none that Token has made.
var ErrToken = errors.New("invalid page token")

// Token is the token of a position, nil for "": nothing follows.
func Token(position string) *string {
	if position == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString(append(sum(position), position...)))
}

// sum tells a token that was made here from one that was made up.
func sum(position string) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(position)))
}

// Position is the position of a token, "" (the beginning) where it is nil or "".
// The error is ErrToken.
func Position(token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(b) < crc32.Size {
		return "", ErrToken
	}
	position := string(b[crc32.Size:])
	if !bytes.Equal(sum(position), b[:crc32.Size]) {
		return "", ErrToken
	}
	return position, nil
}

// Size is the number of entries of a page: the limit of the request, usual where
// it has none or 0.
func Size(limit *int64, usual int) int {
	if limit == nil || *limit <= 0 {
		return usual
	}
	return int(*limit)
}

// Cut returns the page of a list that is sorted by key, and the token of the
// next one. Entries may come and go between pages. The error is ErrToken.
func Cut[T any](sorted []T, key func(*T) string, token *string, size int) (page []T, next *string, err error) {
	after, err := Position(token)
	if err != nil {
		return nil, nil, err
	}
	page = []T{}
	for i := range sorted {
		switch {
		case after != "" && key(&sorted[i]) <= after:
		case len(page) == size:
			return page, Token(key(&page[size-1])), nil
		default:
			page = append(page, sorted[i])
		}
	}
	return page, nil, nil
}

// Read is the page of a list that is read in pieces: its first entries after the
// token that fits lets pass, all where it is nil. read returns the next entries
// after a position, n at the most, and the position of the last one, "" where the
// list ends with them. The error is ErrToken or read's.
func Read[T any](read func(after string, n int) ([]T, string, error), fits func(*T) bool, token *string, size int) (page []T, next *string, err error) {
	after, err := Position(token)
	if err != nil {
		return nil, nil, err
	}
	page = []T{}
	for {
		part, last, err := read(after, size-len(page))
		if err != nil {
			return nil, nil, err
		}
		for i := range part {
			if fits == nil || fits(&part[i]) {
				page = append(page, part[i])
			}
		}
		if last == "" || len(page) >= size {
			return page, Token(last), nil
		}
		after = last
	}
}

// CutAt is Cut for a list in any order, whose positions are numbers: for lists
// that do not change between pages, or where it does not matter.
func CutAt[T any](list []T, token *string, size int) (page []T, next *string, err error) {
	position, err := Position(token)
	if err != nil {
		return nil, nil, err
	}
	from := 0
	if position != "" {
		if from, err = strconv.Atoi(position); err != nil || from < 0 {
			return nil, nil, ErrToken
		}
	}
	from = min(from, len(list))
	to := min(from+size, len(list))
	if to < len(list) {
		next = Token(strconv.Itoa(to))
	}
	return append([]T{}, list[from:to]...), next, nil
}
