package lambda

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestNamedPackages: which packages of the SDK are installed for code.
func TestNamedPackages(t *testing.T) {
	task, opt := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(task, "index.mjs"):                                          `import { S3 } from "@aws-sdk/client-s3"; import x from '@aws-sdk/lib-storage'`,
		filepath.Join(task, "lib", "a.js"):                                        "require('@aws-sdk/client-sns/dist-cjs/x'); require(`@smithy/types`); // @aws-sdk/none",
		filepath.Join(task, "b.cjs"):                                              `require("@aws-sdk/client-sqs"); require("@aws-sdk/client-sts"); require("@aws-sdk/client-" + name)`,
		filepath.Join(task, "c.json"):                                             `"@aws-sdk/client-ec2"`,
		filepath.Join(task, "node_modules/@aws-sdk/client-sqs/package.json"):      `{}`,
		filepath.Join(opt, "nodejs/node20/node_modules/@aws-sdk/client-sts/p.js"): ``,
		filepath.Join(opt, "nodejs/node_modules/own/index.js"):                    `require("@aws-sdk/client-s3"); require("@aws-sdk/client-iam")`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := namedPackages(task, opt)
	want := []string{"@aws-sdk/client-iam", "@aws-sdk/client-s3", "@aws-sdk/client-sns", "@aws-sdk/lib-storage", "@smithy/types"}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("found %v, %v", found, err)
	}
}

// TestRuntimes: which runtimes functions can have.
func TestRuntimes(t *testing.T) {
	for runtime, runs := range map[string]bool{
		"python3.9": true, "python3.14": true, "nodejs18.x": true, "nodejs22.x": true, "nodejs24.x": true, "provided.al2023": true, "go1.x": true,
		"python2.7": false, "nodejs16.x": false, "nodejs": false, "java21": false, "ruby3.3": false, "dotnet8": false,
	} {
		if err := supported(runtime); (err == nil) != runs {
			t.Errorf("%s: %v", runtime, err)
		}
	}
}
