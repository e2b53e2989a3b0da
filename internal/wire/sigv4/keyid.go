package sigv4

import (
	"encoding/base32"
	"encoding/binary"
	"strconv"
)

// AccessKeyID makes an access key id of the kind that the prefix says (AKIA:
// long-term, ASIA: temporary). It carries its account, as AWS's do: in the 40 bits
// above the lowest seven of its first six bytes. random has 10 bytes.
func AccessKeyID(prefix, account string, random []byte) string {
	n, _ := strconv.ParseUint(account, 10, 40)
	head := make([]byte, 8)
	binary.BigEndian.PutUint64(head, 1<<47|n<<7|uint64(random[0]&0x7f))
	copy(random, head[2:])
	return prefix + base32.StdEncoding.EncodeToString(random)
}

// AccountOf reads the account out of an access key id; false where it is not of
// AWS's form.
func AccountOf(accessKey string) (string, bool) {
	if len(accessKey) != 20 {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(accessKey[4:])
	if err != nil {
		return "", false
	}
	n := binary.BigEndian.Uint64(append([]byte{0, 0}, b[:6]...)) & 0x7fffffffff80 >> 7
	digits := strconv.FormatUint(n, 10)
	if len(digits) > 12 {
		return "", false
	}
	return "000000000000"[len(digits):] + digits, true
}
