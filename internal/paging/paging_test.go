package paging

import (
	"errors"
	"slices"
	"testing"
)

// TestPages cuts lists into pages of two and puts them together again.
func TestPages(t *testing.T) {
	key := func(s *string) string { return *s }
	reader := func(all []string) func(string, int) ([]string, string, error) {
		return func(after string, n int) ([]string, string, error) {
			from := 0
			if after != "" {
				from = slices.Index(all, after) + 1
			}
			if to := from + n; to < len(all) {
				return all[from:to], all[to-1], nil
			}
			return all[from:], "", nil
		}
	}
	cuts := map[string]func([]string, *string) ([]string, *string, error){
		"Read":  func(all []string, token *string) ([]string, *string, error) { return Read(reader(all), nil, token, 2) },
		"Cut":   func(all []string, token *string) ([]string, *string, error) { return Cut(all, key, token, 2) },
		"CutAt": func(all []string, token *string) ([]string, *string, error) { return CutAt(all, token, 2) },
	}
	for name, cut := range cuts {
		for _, c := range []struct {
			all   []string
			pages int
		}{{nil, 1}, {[]string{"a"}, 1}, {[]string{"a", "b"}, 1}, {[]string{"a", "b", "c"}, 2}, {[]string{"a", "b", "c", "d"}, 2}} {
			var got []string
			pages := 0
			for token := new(""); token != nil; pages++ {
				page, next, err := cut(c.all, token)
				if err != nil {
					t.Fatal(name, err)
				}
				got, token = append(got, page...), next
			}
			if !slices.Equal(got, c.all) || pages != c.pages {
				t.Errorf("%s of %q: %q in %d pages, want %d", name, c.all, got, pages, c.pages)
			}
		}
		for _, token := range []string{"%", "no", "Ym9ndXM", *Token("b") + "="} {
			if _, _, err := cut([]string{"a"}, &token); !errors.Is(err, ErrToken) {
				t.Errorf("%s with token %q: %v", name, token, err)
			}
		}
	}
	odd := func(s *string) bool { return *s != "b" && *s != "d" }
	if page, next, err := Read(reader([]string{"a", "b", "c", "d", "e"}), odd, nil, 2); err != nil || !slices.Equal(page, []string{"a", "c"}) || *next != *Token("c") {
		t.Errorf("Read of some: %q %v", page, err)
	}
	if _, _, err := CutAt([]string{"a"}, Token("-1"), 2); !errors.Is(err, ErrToken) {
		t.Errorf("CutAt with a position below 0: %v", err)
	}
	if page, _, err := Cut([]string{"a", "c", "d"}, key, Token("b"), 2); err != nil || !slices.Equal(page, []string{"c", "d"}) {
		t.Errorf("Cut after an entry that is gone: %q %v", page, err)
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		limit *int64
		want  int
	}{{nil, 50}, {new(int64(0)), 50}, {new(int64(7)), 7}} {
		if got := Size(c.limit, 50); got != c.want {
			t.Errorf("Size(%v, 50) = %d, want %d", c.limit, got, c.want)
		}
	}
}
