package lambdatype

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// maxInline is how large the archive of inline code may be, in bytes
// (AWS::Lambda::Function Code, ZipFile).
const maxInline = 4 << 20

// The modules that inline code finds beside itself ("cfn-response module",
// CloudFormation User Guide).
var (
	//go:embed cfnresponse.py
	pythonResponse string
	//go:embed cfn-response.js
	nodeResponse string
)

// inline is an archive of a function's source. The same source gives the same
// bytes, so that its hash changes with the source only.
func inline(runtime, source string) ([]byte, error) {
	type file struct{ name, text string }
	var files []file
	switch {
	case strings.HasPrefix(runtime, "python"):
		files = append(files, file{"index.py", source})
		if strings.Contains(source, "cfnresponse") {
			files = append(files, file{"cfnresponse.py", pythonResponse})
		}
	case strings.HasPrefix(runtime, "nodejs"):
		files = append(files, file{"index.js", source})
		if strings.Contains(source, "cfn-response") {
			files = append(files, file{"node_modules/cfn-response/index.js", nodeResponse})
		}
	default:
		return nil, fmt.Errorf("ZipFile can only be used when Runtime is set to either of nodejs*, python* or is unset, found: %s", runtime)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(0o644)
		out, err := w.CreateHeader(h)
		if err != nil {
			return nil, fmt.Errorf("cannot archive inline code: %w", err)
		}
		if _, err := out.Write([]byte(f.text)); err != nil {
			return nil, fmt.Errorf("cannot archive inline code: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot archive inline code: %w", err)
	}
	if b.Len() > maxInline {
		return nil, fmt.Errorf("#/Code/ZipFile: the archive of the code has %d bytes, and may have %d", b.Len(), maxInline)
	}
	return b.Bytes(), nil
}
