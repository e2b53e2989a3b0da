package sns

import "encoding/base64"

// pageSize is the number of entries of a page of every list.
const pageSize = 100

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func encodeToken(key string) *string {
	if key == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(key)))
}

func decodeToken(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return "", invalid("NextToken Reason: Value is invalid")
	}
	return string(b), nil
}
