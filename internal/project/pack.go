package project

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// artifact is a property of a template that may name a file or folder of this
// machine ("package", AWS CLI Command Reference).
type artifact struct {
	typ, property string
	zip           bool   // files are archived too
	bucket, key   string // names of members that say where it is
	location      string // or where it is as one text; %s are the bucket and the key
	template      bool   // it is a template, to be packaged too
}

var artifacts = []artifact{
	{typ: "AWS::CloudFormation::Stack", property: "TemplateURL", location: "https://s3.amazonaws.com/%s/%s", template: true},
	{typ: "AWS::Glue::Job", property: "Command.ScriptLocation", location: "s3://%s/%s"},
	{typ: "AWS::Lambda::Function", property: "Code", zip: true, bucket: "S3Bucket", key: "S3Key"},
	{typ: "AWS::Lambda::LayerVersion", property: "Content", zip: true, bucket: "S3Bucket", key: "S3Key"},
	{typ: "AWS::Serverless::Function", property: "CodeUri", zip: true, location: "s3://%s/%s"},
	{typ: "AWS::Serverless::LayerVersion", property: "ContentUri", zip: true, location: "s3://%s/%s"},
	{typ: "AWS::Serverless::StateMachine", property: "DefinitionUri", bucket: "Bucket", key: "Key"},
	{typ: "AWS::StepFunctions::StateMachine", property: "DefinitionS3Location", bucket: "Bucket", key: "Key"},
}

// pack uploads the local files that a template names to the template's bucket,
// under the hash of their content, and gives the template with their places, as
// `aws cloudformation package` does.
func (r *Runner) pack(ctx context.Context, t *Template, body string) (string, error) {
	if err := r.ensureBucket(ctx, t.Bucket); err != nil {
		return "", err
	}
	return r.packTemplate(ctx, t.Bucket, r.Dir, body)
}

// packTemplate packages a template whose files are named relative to dir.
func (r *Runner) packTemplate(ctx context.Context, bucket, dir, body string) (string, error) {
	var root yaml.Node
	if err := yaml.Load([]byte(body), &root); err != nil || len(root.Content) == 0 {
		return body, nil // the service says what is wrong with it
	}
	resources := member(root.Content[0], "Resources")
	if resources == nil {
		return body, nil
	}
	for i := 1; i < len(resources.Content); i += 2 {
		typ, properties := member(resources.Content[i], "Type"), member(resources.Content[i], "Properties")
		if typ == nil || properties == nil {
			continue
		}
		for _, a := range artifacts {
			at := properties
			for name := range strings.SplitSeq(a.property, ".") {
				if at != nil {
					at = member(at, name)
				}
			}
			if a.typ != typ.Value || !isFile(at) {
				continue
			}
			key, err := r.uploadArtifact(ctx, bucket, filepath.Join(dir, at.Value), a)
			if err != nil {
				return "", fmt.Errorf("%s of %s: %w", a.property, resources.Content[i-1].Value, err)
			}
			a.place(at, bucket, key)
		}
	}
	out, err := yaml.Dump(&root)
	return string(out), err
}

// isFile says whether a value is the name of a file: a text that is no URL and
// no function.
func isFile(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && (n.Tag == "" || n.ShortTag() == "!!str") && !strings.Contains(n.Value, "://")
}

// member is the value of a key of a mapping; nil where there is none.
func member(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// place writes where the file is in place of its name.
func (a artifact) place(at *yaml.Node, bucket, key string) {
	scalar := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	if a.location != "" {
		*at = *scalar(fmt.Sprintf(a.location, bucket, key))
		return
	}
	*at = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{scalar(a.bucket), scalar(bucket), scalar(a.key), scalar(key)}}
}

func (r *Runner) uploadArtifact(ctx context.Context, bucket, path string, a artifact) (key string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	var data []byte
	if info.IsDir() || a.zip && filepath.Ext(path) != ".zip" {
		data, err = archive(path)
	} else {
		data, err = os.ReadFile(path)
	}
	if err == nil && a.template {
		var body string
		body, err = r.packTemplate(ctx, bucket, filepath.Dir(path), string(data))
		data = []byte(body)
	}
	if err != nil {
		return "", err
	}
	sum := md5.Sum(data)
	key = hex.EncodeToString(sum[:])
	_, err = r.putObject(ctx, bucket, key, data)
	return key, err
}

// archive is a folder, or a single file, as a zip archive whose bytes depend on
// names and content only.
func archive(root string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if name == "." {
			name = filepath.Base(file)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(info.Mode())
		out, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err == nil {
			_, err = out.Write(data)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}
