package lambda

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/process"
)

// TestMain lets processes of the tests become others (process.Enter).
func TestMain(m *testing.M) {
	process.Enter(os.Args[1:])
	os.Exit(m.Run())
}

// TestLayers: files of layers are in /opt and the code in /var/task where mounts are
// permitted, else where PATH and the other variables say; functions without layers
// see nothing of it.
func TestLayers(t *testing.T) {
	for _, mounted := range []bool{true, false} {
		t.Run("mounted "+strconv.FormatBool(mounted), func(t *testing.T) {
			w := newWorld(t)
			if mounted {
				if _, err := process.TryMounting(t.Context()); err != nil {
					t.Skip("mounts are not permitted here:", err)
				}
				w.stop()
				w.mounting = func(ctx context.Context) (process.Mounting, error) { return process.TryMounting(ctx) }
				w.start()
			}
			layer := func(name string, files map[string]string) string {
				return *must[api.PublishLayerVersionOutput](w, "PublishLayerVersion",
					&api.PublishLayerVersionInput{LayerName: &name, Content: &api.LayerVersionContentInput{ZipFile: archive(t, files)}}).LayerVersionArn
			}
			layers := []string{layer("one", map[string]string{"bin/layered": "#!/bin/sh\necho one\n", "data/a": "a1\n"}),
				layer("two", map[string]string{"data/a": "a2\n", "data/b": "b2\n", "note.txt": "noted\n"})}
			w.create("f", func(in *api.CreateFunctionInput) { in.Layers = layers })
			w.create("bare", nil)
			run := func(function, script string) string {
				text, err := strconv.Unquote(string(w.invoke(function, `{"do": "sh", "script": `+strconv.Quote(script)+`}`).Payload))
				if err != nil {
					t.Fatal(err)
				}
				return strings.TrimSpace(text)
			}
			if got := run("f", "layered; echo $LAMBDA_TASK_ROOT; pwd"); mounted && got != "one\n/var/task\n/var/task" || !mounted && !strings.HasPrefix(got, "one\n"+w.dir) {
				t.Errorf("layered: %s", got)
			}
			const look = "cat /opt/data/a /opt/data/b /opt/note.txt; ls /var/task"
			want := ""
			if mounted {
				want = "a2\nb2\nnoted\nbootstrap"
			}
			if got := run("f", look); got != want {
				t.Errorf("/opt: %q, want %q", got, want)
			}
			if got := run("bare", look); got != "" {
				t.Errorf("/opt without layers: %q", got)
			}
		})
	}
}

// TestLayersHide: what a worker needs is not hidden by a layer.
func TestLayersHide(t *testing.T) {
	dir := t.TempDir()
	places := []process.Place{{At: dir + "/python", From: "/x"}}
	for path, want := range map[string]bool{dir + "/python/bin/python3": true, dir + "/python": true, dir + "/python3": false, dir + "/link": true, "": false} {
		if path == dir+"/link" {
			if err := os.MkdirAll(dir+"/python", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(dir, "python"), path); err != nil {
				t.Fatal(err)
			}
		}
		if got := hidden(places, path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

// TestLayerPages: layers and their versions come in pages, the latest version first.
func TestLayerPages(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"b", "a", "a", "a"} {
		must[api.PublishLayerVersionOutput](w, "PublishLayerVersion", &api.PublishLayerVersionInput{LayerName: &name,
			Content: &api.LayerVersionContentInput{ZipFile: archive(t, map[string]string{"python/x.py": ""})}})
	}
	var got []string
	for marker := new(""); marker != nil; {
		out := must[api.ListLayersOutput](w, "ListLayers", &api.ListLayersInput{Marker: marker, MaxItems: new(int64(1))})
		for _, l := range out.Layers {
			got = append(got, fmt.Sprint(*l.LayerName, *l.LatestMatchingVersion.Version))
		}
		marker = out.NextMarker
	}
	for marker := new(""); marker != nil; {
		out := must[api.ListLayerVersionsOutput](w, "ListLayerVersions", &api.ListLayerVersionsInput{LayerName: new("a"), Marker: marker, MaxItems: new(int64(2))})
		for _, l := range out.LayerVersions {
			got = append(got, fmt.Sprint(*l.Version))
		}
		got, marker = append(got, "|"), out.NextMarker
	}
	if want := "a3 b1 3 2 | 1 |"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	if _, err := bus.Invoke[api.ListLayersOutput](w.ctx, w.bus, "lambda", "ListLayers", &api.ListLayersInput{Marker: new("x")}); err == nil {
		t.Error("a marker that was made up is taken")
	}
}
