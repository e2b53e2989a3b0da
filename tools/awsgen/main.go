// Command awsgen writes the packages internal/awsapi/<service> from the service
// models that AWS publishes in the Go module github.com/aws/aws-sdk-go, plus
// the overlay files beside it for what AWS added later.
//
// services.json lists the services and, for each, the operations that get
// shapes; all other operations of a model are written into the table of known
// operations by name only. The output is deterministic: running awsgen on a
// clean tree leaves it clean.
//
// Usage, in the folder tools: go run ./awsgen [-out DIR] [service ...]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

const sdkModule = "github.com/aws/aws-sdk-go"

// service is one entry of services.json.
type service struct {
	Service    string   `json:"service"`    // name on the bus
	Package    string   `json:"package"`    // Go package under internal/awsapi
	Model      string   `json:"model"`      // folder under models/apis, default Service
	Operations []string `json:"operations"` // names that get shapes; "*" is all
	Validation struct {
		Form string `json:"form"` // coral, missing-parameter, no-value, none
		Code string `json:"code"`
	} `json:"validation"`
	Protocols []string `json:"protocols"` // further protocols the service answers
}

func main() {
	out := flag.String("out", "../internal/awsapi", "folder of the generated packages")
	conf := flag.String("config", "awsgen", "folder of services.json and overlay/")
	flag.Parse()
	if err := run(*conf, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "awsgen:", err)
		os.Exit(1)
	}
}

func run(conf, out string, only []string) error {
	b, err := os.ReadFile(filepath.Join(conf, "services.json"))
	if err != nil {
		return fmt.Errorf("cannot read the list of services: %w", err)
	}
	var services []service
	if err := json.Unmarshal(b, &services); err != nil {
		return fmt.Errorf("cannot parse services.json: %w", err)
	}
	dir, version, err := moduleDir()
	if err != nil {
		return err
	}
	for _, s := range services {
		if len(only) > 0 && !slices.Contains(only, s.Service) {
			continue
		}
		if err := generateService(conf, dir, version, out, s); err != nil {
			return fmt.Errorf("cannot generate %s: %w", s.Service, err)
		}
	}
	return nil
}

// moduleDir finds the folder of the SDK module in the module cache, fetching it
// when it is not there.
func moduleDir() (dir, version string, err error) {
	b, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", sdkModule).Output()
	if err != nil {
		return "", "", fmt.Errorf("cannot find the version of %s: %w", sdkModule, err)
	}
	version = string(b[:max(0, len(b)-1)])
	b, err = exec.Command("go", "mod", "download", "-json", sdkModule+"@"+version).Output()
	if err != nil {
		return "", "", fmt.Errorf("cannot download %s: %w", sdkModule, err)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(b, &info); err != nil {
		return "", "", fmt.Errorf("cannot read the answer of go mod download: %w", err)
	}
	return info.Dir, version, nil
}

func generateService(conf, dir, version, out string, s service) error {
	if s.Model == "" {
		s.Model = s.Service
	}
	versions, err := os.ReadDir(filepath.Join(dir, "models/apis", s.Model))
	if err != nil || len(versions) == 0 {
		return fmt.Errorf("cannot find its model: %w", err)
	}
	latest := versions[len(versions)-1].Name() // ReadDir sorts; the names are dates
	m, err := readModel(filepath.Join(dir, "models/apis", s.Model, latest, "api-2.json"))
	if err != nil {
		return err
	}
	overlay := filepath.Join(conf, "overlay", s.Service+".json")
	if _, err := os.Stat(overlay); err == nil {
		o, err := readModel(overlay)
		if err != nil {
			return err
		}
		m.overlay(o)
	}
	g, err := newGenerator(m, s, version)
	if err != nil {
		return err
	}
	files, err := g.files()
	if err != nil {
		return err
	}
	folder := filepath.Join(out, s.Package)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fmt.Errorf("cannot make the package folder: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o666); err != nil {
			return fmt.Errorf("cannot write the package: %w", err)
		}
	}
	return nil
}
