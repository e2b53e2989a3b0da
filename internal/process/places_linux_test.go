package process

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets processes of the tests become others (Enter).
func TestMain(m *testing.M) {
	Enter(os.Args[1:])
	os.Exit(m.Run())
}

// TestPlaces shows folders, files and links at places of the root, below folders that
// are there and such that are not; nothing of it is seen outside.
func TestPlaces(t *testing.T) {
	how, err := TryMounting(context.Background())
	if err != nil {
		t.Skip("mounts are not permitted here:", err)
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "layer")
	if err := os.MkdirAll(filepath.Join(tree, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"bin/tool": "#!/bin/sh\necho tool\n", "note": "noted\n"} {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("bin/tool", filepath.Join(tree, "link")); err != nil {
		t.Fatal(err)
	}
	mounted := func() string {
		text, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before, opt := mounted(), members(t, "/opt")
	ways := []Mounting{how}
	if how == OwnMounts {
		ways = append(ways, OwnUserSpace)
	}
	for _, how := range ways {
		s, c := shell(`/opt/bin/tool; /opt/link; cat /opt/note /var/lang/deep/note; id -u; pwd; test -d /var/tmp && echo var
			for d in /opt/*; do echo "$d"; done; echo x 2>/dev/null >/opt/bin/new || echo read-only; touch here && echo writable; grep CapEff /proc/self/status`)
		s.Dir, s.Mounting = dir, how
		s.Places = []Place{{"/opt/bin", tree + "/bin"}, {"/opt/note", tree + "/note"}, {"/opt/link", tree + "/link"}, {"/var/lang/deep", tree}}
		result, err := Run(context.Background(), s)
		if how == OwnUserSpace && len(ways) > 1 && err != nil {
			t.Log("no user namespaces:", err)
			continue
		}
		if err != nil || result != (Result{}) && len(c.out) == 0 {
			t.Fatal(result, err, c.err)
		}
		uid := filepath.Base(c.out[4])
		want := []string{"tool", "tool", "noted", "noted", uid, dir, "var"}
		places := append(slices.Clone(opt), "/opt/bin", "/opt/note", "/opt/link")
		slices.Sort(places)
		want = append(append(want, slices.Compact(places)...), "read-only", "writable")
		if got := c.out[:len(c.out)-1]; !slices.Equal(got, want) {
			t.Errorf("way %d:\n%s\nwant\n%s\n%s", how, strings.Join(got, "\n"), strings.Join(want, "\n"), c.err)
		}
		if caps := c.out[len(c.out)-1]; how == OwnUserSpace && os.Getuid() != 0 && !strings.HasSuffix(caps, "0000000000000000") {
			t.Errorf("the program has capabilities: %s", caps)
		}
	}
	if now := mounted(); now != before {
		t.Errorf("mounts are left:\n%s\nbefore\n%s", now, before)
	}
	if now := members(t, "/opt"); !slices.Equal(now, opt) {
		t.Errorf("/opt has %s", now)
	}
}

// TestPlacesKilled kills a tree that has places, with a member that left its group.
func TestPlacesKilled(t *testing.T) {
	how, err := TryMounting(context.Background())
	if err != nil {
		t.Skip("mounts are not permitted here:", err)
	}
	s, c := shell("setsid sleep 300 & sleep 300 & echo up; wait")
	s.Mounting, s.Places, s.Mark, s.Grace = how, []Place{{"/opt/here", t.TempDir()}}, testMark("places"), time.Nanosecond
	ctx, cancel := context.WithCancel(context.Background())
	out := s.Stdout
	s.Stdout = func(line string) { out(line); cancel() }
	result, err := Run(ctx, s)
	if err != nil || result.Signal == 0 || len(c.out) != 1 {
		t.Error(result, err, c.out, c.err)
	}
	if left := marked(markVariable + "=" + s.Mark); len(left) != 0 {
		t.Errorf("processes are left: %v", left)
	}
}

func members(t *testing.T, dir string) []string {
	list, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	return list
}
