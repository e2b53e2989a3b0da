package jsonata

import (
	"math"

	"stepwell/internal/asl/value"
)

func fnCount(_ *run, a []any) (any, error) {
	list, _ := items(a[0])
	return float64(len(list)), nil
}

func fnAppend(r *run, a []any) (any, error) { return appended(r, a[0], a[1]) }

func fnReverse(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	if len(list) <= 1 {
		return a[0], nil
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[len(list)-1-i] = item
	}
	return out, r.grow(len(list))
}

func fnShuffle(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	if len(list) <= 1 {
		return a[0], nil
	}
	out := make([]any, len(list))
	for i, item := range list {
		j := int(r.random() * float64(i+1))
		out[i] = out[j]
		out[j] = item
	}
	return out, r.grow(len(list))
}

func fnDistinct(r *run, a []any) (any, error) {
	list, ok := items(a[0])
	if !ok || len(list) <= 1 {
		return a[0], nil
	}
	from, _ := a[0].(*array)
	out := &array{seq: from != nil && from.seq}
	seen := map[any]bool{} // strings, numbers, booleans, null
	var others []any
	for _, item := range list {
		if err := r.grow(1 + len(others)/8); err != nil {
			return nil, err
		}
		if key, ok := scalar(item); ok {
			if seen[key] {
				continue
			}
			seen[key] = true
		} else if within := contains(others, item); within {
			continue
		} else {
			others = append(others, item)
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

// scalar is a key for a value that is compared by value.
func scalar(v any) (any, bool) {
	switch v := v.(type) {
	case nil, bool, string:
		return v, true
	case float64, value.Number:
		f, _ := number(v)
		return f, f == f
	}
	return nil, false
}

func contains(list []any, v any) bool {
	for _, item := range list {
		if same(item, v) {
			return true
		}
	}
	return false
}

func fnZip(r *run, a []any) (any, error) {
	lists := make([][]any, len(a))
	shortest := -1
	for i := range a {
		lists[i], _ = items(a[i])
		if shortest < 0 || len(lists[i]) < shortest {
			shortest = len(lists[i])
		}
	}
	out := make([]any, 0, max(shortest, 0))
	for i := range shortest {
		if err := r.grow(len(lists) + 1); err != nil {
			return nil, err
		}
		row := make([]any, len(lists))
		for j := range lists {
			row[j] = lists[j][i]
		}
		out = append(out, row)
	}
	return out, nil
}

// fnSort is $sort: by the comparator, or numbers or strings by their order.
func fnSort(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	if len(list) <= 1 {
		return a[0], nil
	}
	if f, ok := argument(a, 1).(function); ok {
		return mergeSort(r, list, func(x, y any) (bool, error) {
			v, err := r.apply(f, []any{x, y}, nil)
			return truthy(v), err
		})
	}
	texts := true
	for i, item := range list {
		k := kind(item)
		if i == 0 {
			texts = k == 's'
		}
		if texts && k != 's' || !texts && k != 'n' {
			return nil, &Error{Code: "D3070", index: 1}
		}
	}
	return mergeSort(r, list, func(x, y any) (bool, error) {
		if texts {
			return compareText(x.(string), y.(string)) > 0, nil
		}
		a, _ := number(x)
		b, _ := number(y)
		return a > b, nil
	})
}

// truthy is what JavaScript makes of a value where it wants a boolean.
func truthy(v any) bool {
	switch v := v.(type) {
	case undef, nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64, value.Number:
		f, _ := number(v)
		return f != 0 && f == f
	}
	return true
}

func fnPartition(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	size := num(a, 1)
	if size != math.Trunc(size) || size < 1 {
		return nil, &Error{Code: "D3137", detail: "The second argument of the partition function must be a positive integer"}
	}
	n := int(math.Min(size, math.MaxInt32))
	if err := r.grow(len(list) + len(list)/n); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list)/n+1)
	for len(list) > 0 {
		cut := min(n, len(list))
		out = append(out, list[:cut:cut])
		list = list[cut:]
	}
	return out, nil
}

// fnRange is $range(first, last, step); the last one is among the items if a step
// meets it.
func fnRange(r *run, a []any) (any, error) {
	for i := range 3 {
		v := argument(a, i)
		if isUndef(v) && i < 2 {
			return undef{}, nil
		}
		if f := num(a, i); f != math.Trunc(f) || f-f != 0 {
			return nil, &Error{Code: "D3137", detail: "The arguments of the range function must be integers"}
		}
	}
	from, to, step := num(a, 0), num(a, 1), 1.0
	if !isUndef(argument(a, 2)) {
		step = num(a, 2)
	}
	if step == 0 {
		return nil, &Error{Code: "D3137", detail: "The third argument of the range function must not be zero"}
	}
	size := math.Floor((to-from)/step) + 1
	if size > maxRange {
		return nil, faultOf("D2014", size)
	}
	if size < 0 {
		size = 0
	}
	if err := r.grow(int(size)); err != nil {
		return nil, err
	}
	out := make([]any, int(size))
	for i := range out {
		out[i] = from + float64(i)*step
	}
	return out, nil
}
