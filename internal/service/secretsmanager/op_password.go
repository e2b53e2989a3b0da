package secretsmanager

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/secretsmanager"
)

// GetRandomPassword makes a password of the wanted kinds of characters, at
// least one of each unless told otherwise.
func (s *Service) GetRandomPassword(_ context.Context, in *api.GetRandomPasswordInput) (*api.GetRandomPasswordOutput, error) {
	length := 32
	if in.PasswordLength != nil {
		length = int(*in.PasswordLength)
	}
	kinds := kindsOf(in)
	all := strings.Join(kinds, "")
	each := is(in.RequireEachIncludedType, true)
	switch {
	case all == "":
		return nil, api.InvalidParameterException("Your request excludes all characters. Include at least one character type.")
	case each && length < len(kinds):
		return nil, api.InvalidParameterException("The password length must be at least %d to include each type of character.", len(kinds))
	}
	password := make([]byte, 0, length)
	if each {
		for _, letters := range kinds {
			password = append(password, letters[random(len(letters))])
		}
	}
	for len(password) < length {
		password = append(password, all[random(len(all))])
	}
	for i := len(password) - 1; i > 0; i-- {
		j := random(i + 1)
		password[i], password[j] = password[j], password[i]
	}
	return &api.GetRandomPasswordOutput{RandomPassword: new(string(password))}, nil
}

// is reads an optional flag.
func is(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// kindsOf lists the characters of each kind the password may have.
func kindsOf(in *api.GetRandomPasswordInput) []string {
	var kinds []string
	for _, k := range []struct {
		wanted  bool
		letters string
	}{
		{!is(in.ExcludeLowercase, false), "abcdefghijklmnopqrstuvwxyz"},
		{!is(in.ExcludeUppercase, false), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{!is(in.ExcludeNumbers, false), "0123456789"},
		{!is(in.ExcludePunctuation, false), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{is(in.IncludeSpace, false), " "},
	} {
		letters := strings.Map(func(r rune) rune {
			if strings.ContainsRune(text(in.ExcludeCharacters), r) {
				return -1
			}
			return r
		}, k.letters)
		if k.wanted && letters != "" {
			kinds = append(kinds, letters)
		}
	}
	return kinds
}
