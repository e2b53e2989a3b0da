package jsonata

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// fnBase64Encode encodes UTF-16 code units as bytes, as the reference does: of those
// above 255 the lower half.
func fnBase64Encode(r *run, a []any) (any, error) {
	s := str(a, 0)
	if err := r.text(2 * len(s)); err != nil {
		return nil, err
	}
	var raw []byte
	for _, c := range s {
		if c > 0xffff {
			c -= 0x10000
			raw = append(raw, byte(c>>10), byte(c))
			continue
		}
		raw = append(raw, byte(c))
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// fnBase64Decode is lenient: it leaves out what is no digit, and ends at a =.
func fnBase64Decode(r *run, a []any) (any, error) {
	s := str(a, 0)
	if err := r.text(2 * len(s)); err != nil {
		return nil, err
	}
	digits := make([]byte, 0, len(s))
	for i := 0; i < len(s) && s[i] != '='; i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
			digits = append(digits, c)
		case c == '-':
			digits = append(digits, '+')
		case c == '_':
			digits = append(digits, '/')
		}
	}
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(digits)))
	n, _ := base64.RawStdEncoding.Decode(raw, digits)
	var b strings.Builder
	for _, c := range raw[:n] {
		b.WriteRune(rune(c))
	}
	return b.String(), nil
}

const (
	urlUnreserved = "-_.!~*'()"
	urlReserved   = ";/?:@&=+$,#"
)

func fnEncodeURL(r *run, a []any) (any, error) {
	return encodeURL(r, str(a, 0), urlUnreserved+urlReserved, "encodeUrl")
}

func fnEncodeURLComponent(r *run, a []any) (any, error) {
	return encodeURL(r, str(a, 0), urlUnreserved, "encodeUrlComponent")
}

func encodeURL(r *run, s, plain, name string) (any, error) {
	if err := r.text(3 * len(s)); err != nil {
		return nil, err
	}
	if !utf8.ValidString(s) { // a lone surrogate
		return nil, &Error{Code: "D3140", value: s, detail: name}
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String(), nil
}

func fnDecodeURL(r *run, a []any) (any, error) {
	return decodeURL(str(a, 0), urlReserved, "decodeUrl")
}

func fnDecodeURLComponent(r *run, a []any) (any, error) {
	return decodeURL(str(a, 0), "", "decodeUrlComponent")
}

// decodeURL leaves escapes of what is in keep.
func decodeURL(s, keep, name string) (any, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		var c [1]byte
		if i+3 > len(s) {
			return nil, &Error{Code: "D3140", value: s, detail: name}
		}
		if _, err := hex.Decode(c[:], []byte(s[i+1:i+3])); err != nil {
			return nil, &Error{Code: "D3140", value: s, detail: name}
		}
		if strings.IndexByte(keep, c[0]) >= 0 {
			b.WriteString(s[i : i+3])
		} else {
			b.WriteByte(c[0])
		}
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		return nil, &Error{Code: "D3140", value: s, detail: name}
	}
	return b.String(), nil
}

// fnHash is $hash(text, algorithm) of the text's UTF-8 bytes, in hexadecimal.
func fnHash(_ *run, a []any) (any, error) {
	data := []byte(str(a, 0))
	var sum []byte
	switch name := str(a, 1); name {
	case "MD5":
		h := md5.Sum(data)
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum(data)
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256(data)
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384(data)
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512(data)
		sum = h[:]
	default:
		return nil, &Error{Code: "D3137", detail: "The hash function does not know the algorithm " + quoted(name) +
			". It must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512"}
	}
	return hex.EncodeToString(sum), nil
}

func fnUUID(r *run, _ []any) (any, error) {
	if r.o.UUID != nil {
		return r.o.UUID(), nil
	}
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
