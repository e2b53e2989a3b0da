package bus

import "strings"

// ARN is the name of an AWS resource in its parts, as the AWS General Reference
// (Amazon Resource Names) has them.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN splits s; ok is false where s is not of the form
// arn:partition:service:region:account:resource.
func ParseARN(s string) (a ARN, ok bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, false
	}
	return ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}, true
}

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// AssumedRole is the principal of a session of a role, by the role's ARN; false
// for what is no ARN of a role in an account.
func AssumedRole(role, session string) (principal string, ok bool) {
	a, ok := ParseARN(role)
	if !ok || a.Account == "" || !strings.HasPrefix(a.Resource, "role/") {
		return "", false
	}
	name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	return "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + name + "/" + session, true
}
