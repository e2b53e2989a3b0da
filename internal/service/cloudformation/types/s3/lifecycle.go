package s3type

import "maps"

// lifecycle makes S3's rules of CloudFormation's, which are flat.
func lifecycle(x map[string]any) map[string]any {
	rules, _ := x["Rules"].([]any)
	out := make([]any, 0, len(rules))
	for _, rule := range rules {
		if m, ok := rule.(map[string]any); ok {
			rule = lifecycleRule(m)
		}
		out = append(out, rule)
	}
	in := map[string]any{"LifecycleConfiguration": map[string]any{"Rules": out}}
	if size := x["TransitionDefaultMinimumObjectSize"]; size != nil {
		in["TransitionDefaultMinimumObjectSize"] = size
	}
	return in
}

func lifecycleRule(m map[string]any) map[string]any {
	rule := maps.Clone(m)
	take := func(name string) any {
		x := rule[name]
		delete(rule, name)
		return x
	}
	gather := func(to string, from map[string]string) {
		object := map[string]any{}
		for property, name := range from {
			if x := take(property); x != nil {
				object[name] = x
			}
		}
		if len(object) > 0 {
			rule[to] = object
		}
	}
	gather("Expiration", map[string]string{"ExpirationDate": "Date", "ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"})
	if rule["NoncurrentVersionExpiration"] == nil {
		gather("NoncurrentVersionExpiration", map[string]string{"NoncurrentVersionExpirationInDays": "NoncurrentDays"})
	}
	transitions(rule, "Transitions", take("Transition"), map[string]string{"TransitionDate": "Date", "TransitionInDays": "Days"})
	transitions(rule, "NoncurrentVersionTransitions", take("NoncurrentVersionTransition"), map[string]string{"TransitionInDays": "NoncurrentDays"})
	rule["Filter"] = filter(take("Prefix"), take("ObjectSizeGreaterThan"), take("ObjectSizeLessThan"), take("TagFilters"))
	return rule
}

// transitions joins the property that is a list and the older one that is a
// single transition, with S3's names of their members.
func transitions(rule map[string]any, name string, single any, names map[string]string) {
	all, _ := rule[name].([]any)
	if single != nil {
		all = append(all[:len(all):len(all)], single)
	}
	out := make([]any, 0, len(all))
	for _, t := range all {
		m, ok := t.(map[string]any)
		if !ok {
			out = append(out, t)
			continue
		}
		renamed := map[string]any{}
		for k, v := range m {
			if to, ok := names[k]; ok {
				k = to
			}
			renamed[k] = v
		}
		out = append(out, renamed)
	}
	if delete(rule, name); len(out) > 0 {
		rule[name] = out
	}
}

// filter is what a rule applies to: one condition by itself, several together.
func filter(prefix, above, below, tags any) map[string]any {
	all := map[string]any{}
	for name, x := range map[string]any{"Prefix": prefix, "ObjectSizeGreaterThan": above, "ObjectSizeLessThan": below} {
		if x != nil {
			all[name] = x
		}
	}
	list, _ := tags.([]any)
	switch n := len(all) + len(list); {
	case n == 0:
		return map[string]any{"Prefix": ""}
	case n == 1 && len(list) == 1:
		return map[string]any{"Tag": list[0]}
	case n == 1:
		return all
	}
	if len(list) > 0 {
		all["Tags"] = list
	}
	return map[string]any{"And": all}
}
