# Runs one scalar function for the warehouse: the first line of the input is the
# function, every further line the arguments of some rows. Bodies are written for
# Redshift's Python 2.7; what means something else in Python 3 without failing
# gets its old meaning: the division of integers, round(), and the lists that map,
# filter, zip and range gave.
import ast, builtins, datetime, decimal, json, math, os, sys, traceback

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(answer):
    text = json.dumps(answer)
    while len(text) > 60000:
        answers.write("+" + text[:60000] + "\n")
        text = text[60000:]
    answers.write("." + text + "\n")
    answers.flush()


def divide(a, b):
    whole = isinstance(a, int) and isinstance(b, int)
    return a // b if whole else a / b


def half_away(x, digits=0):
    if isinstance(x, decimal.Decimal):
        return float(x.quantize(decimal.Decimal(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP))
    exact = decimal.Decimal(x).quantize(decimal.Decimal(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP)
    return float(exact)


class Old(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            name = ast.copy_location(ast.Name("__divide", ast.Load()), node)
            return ast.copy_location(ast.Call(name, [node.left, node.right], []), node)
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div) and isinstance(node.target, ast.Name):
            value = ast.BinOp(ast.Name(node.target.id, ast.Load()), ast.Div(), node.value)
            ast.copy_location(value, node)
            ast.fix_missing_locations(value)
            return ast.copy_location(ast.Assign([node.target], self.visit_BinOp(value)), node)
        return node


def compiled(f):
    body = "\n".join("\t" + line for line in f["body"].split("\n"))
    tree = ast.parse("def %s(%s):\n%s\n" % ("f", ", ".join(f["args"] or []), body), f["name"])
    names = {
        "__name__": f["name"], "__divide": divide, "xrange": range, "unicode": str, "basestring": str, "long": int, "unichr": chr,
        "round": half_away, "map": lambda *a: list(builtins.map(*a)), "filter": lambda *a: list(builtins.filter(*a)),
        "zip": lambda *a: list(builtins.zip(*a)), "range": lambda *a: list(builtins.range(*a)),
    }
    exec(compile(ast.fix_missing_locations(Old().visit(tree)), f["name"], "exec"), names)
    return names["f"]


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S")


readers = {
    "int": int, "float": float, "decimal": decimal.Decimal, "str": str, "bool": lambda t: t == "true",
    "date": lambda t: datetime.datetime.strptime(t, "%Y-%m-%d").date(), "timestamp": moment,
}


def written(value, kind):
    if value is None:
        return None
    if kind == "bool":
        return "true" if value else "false"
    if kind == "int":
        if isinstance(value, bool) or isinstance(value, int):
            return str(int(value))
        raise ValueError('invalid input syntax for integer: "%s"' % (value,))
    if kind in ("float", "decimal"):
        if isinstance(value, (bool, int)):
            return str(int(value))
        return str(value)
    if kind == "date" and isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)


def failed(error):
    text = "".join(traceback.format_exception_only(type(error), error)).strip().split("\n")[-1]
    return "%s. Please look at svl_udf_log for more information" % text


f = json.loads(sys.stdin.readline())
kinds, returns, function, fault = [readers[t] for t in f["types"] or []], f["returns"], None, None
try:
    function = compiled(f)
except Exception as error:
    fault = failed(error)
for line in sys.stdin:
    if fault:
        say({"error": fault})
        continue
    try:
        values = []
        for row in json.loads(line):
            values.append(written(function(*[None if v is None else read(v) for v, read in zip(row, kinds)]), returns))
        say({"values": values})
    except Exception as error:
        traceback.print_exc()
        say({"error": failed(error)})
