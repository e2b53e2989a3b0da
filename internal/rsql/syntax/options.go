package syntax

// shape says what follows an option's name.
type shape uint8

const (
	flag     shape = iota // nothing
	value                 // [AS] string, number or word
	optional              // a string or a number may follow
	toggle                // ON, OFF, TRUE, FALSE or another listed word may follow
	size                  // [AS] number, then MB or GB
	columns               // (a, b)
)

// optionSpec is one option: the words it may be written with are keys of the tables.
type optionSpec struct {
	name  string // canonical
	shape shape
	// format says that the option is a data format: it becomes FORMAT with this
	// name as value, and what follows is Second.
	format bool
	words  []string // further words a toggle takes
}

// copyOptions are the options of COPY, by first word (further words of a
// spelling are optional and stripped where the word alone is clear).
var copyOptions = map[string]optionSpec{
	"iam_role":             {name: "IAM_ROLE", shape: value},
	"credentials":          {name: "CREDENTIALS", shape: value},
	"access_key_id":        {name: "ACCESS_KEY_ID", shape: value},
	"secret_access_key":    {name: "SECRET_ACCESS_KEY", shape: value},
	"session_token":        {name: "SESSION_TOKEN", shape: value},
	"manifest":             {name: "MANIFEST"},
	"encrypted":            {name: "ENCRYPTED"},
	"master_symmetric_key": {name: "MASTER_SYMMETRIC_KEY", shape: value},
	"kms_key_id":           {name: "KMS_KEY_ID", shape: value},
	"region":               {name: "REGION", shape: value},
	"csv":                  {name: "CSV", format: true},
	"text":                 {name: "TEXT", format: true},
	"quote":                {name: "QUOTE", shape: value},
	"delimiter":            {name: "DELIMITER", shape: value},
	"fixedwidth":           {name: "FIXEDWIDTH", shape: optional, format: true},
	"avro":                 {name: "AVRO", shape: optional, format: true},
	"json":                 {name: "JSON", shape: optional, format: true},
	"parquet":              {name: "PARQUET", format: true},
	"orc":                  {name: "ORC", format: true},
	"shapefile":            {name: "SHAPEFILE", format: true},
	"simplify":             {name: "SIMPLIFY", shape: optional},
	"bzip2":                {name: "BZIP2"},
	"gzip":                 {name: "GZIP"},
	"lzop":                 {name: "LZOP"},
	"zstd":                 {name: "ZSTD"},
	"acceptanydate":        {name: "ACCEPTANYDATE"},
	"acceptinvchars":       {name: "ACCEPTINVCHARS", shape: optional},
	"blanksasnull":         {name: "BLANKSASNULL"},
	"dateformat":           {name: "DATEFORMAT", shape: value},
	"emptyasnull":          {name: "EMPTYASNULL"},
	"encoding":             {name: "ENCODING", shape: value},
	"escape":               {name: "ESCAPE"},
	"explicit_ids":         {name: "EXPLICIT_IDS"},
	"fillrecord":           {name: "FILLRECORD"},
	"ignoreblanklines":     {name: "IGNOREBLANKLINES"},
	"ignoreheader":         {name: "IGNOREHEADER", shape: value},
	"ignoreallerrors":      {name: "IGNOREALLERRORS"},
	"null":                 {name: "NULL", shape: value},
	"removequotes":         {name: "REMOVEQUOTES"},
	"roundec":              {name: "ROUNDEC"},
	"timeformat":           {name: "TIMEFORMAT", shape: value},
	"trimblanks":           {name: "TRIMBLANKS"},
	"truncatecolumns":      {name: "TRUNCATECOLUMNS"},
	"serializetojson":      {name: "SERIALIZETOJSON"},
	"comprows":             {name: "COMPROWS", shape: value},
	"compupdate":           {name: "COMPUPDATE", shape: toggle, words: []string{"preset"}},
	"maxerror":             {name: "MAXERROR", shape: value},
	"noload":               {name: "NOLOAD"},
	"statupdate":           {name: "STATUPDATE", shape: toggle},
	"readratio":            {name: "READRATIO", shape: value},
	"ssh":                  {name: "SSH"},
}

// unloadOptions are the options of UNLOAD.
var unloadOptions = map[string]optionSpec{
	"iam_role":             {name: "IAM_ROLE", shape: value},
	"credentials":          {name: "CREDENTIALS", shape: value},
	"access_key_id":        {name: "ACCESS_KEY_ID", shape: value},
	"secret_access_key":    {name: "SECRET_ACCESS_KEY", shape: value},
	"session_token":        {name: "SESSION_TOKEN", shape: value},
	"csv":                  {name: "CSV", format: true},
	"parquet":              {name: "PARQUET", format: true},
	"json":                 {name: "JSON", format: true},
	"text":                 {name: "TEXT", format: true},
	"fixedwidth":           {name: "FIXEDWIDTH", shape: optional, format: true},
	"manifest":             {name: "MANIFEST", shape: toggle, words: []string{"verbose"}},
	"header":               {name: "HEADER"},
	"delimiter":            {name: "DELIMITER", shape: value},
	"encrypted":            {name: "ENCRYPTED", shape: toggle, words: []string{"auto"}},
	"master_symmetric_key": {name: "MASTER_SYMMETRIC_KEY", shape: value},
	"kms_key_id":           {name: "KMS_KEY_ID", shape: value},
	"bzip2":                {name: "BZIP2"},
	"gzip":                 {name: "GZIP"},
	"zstd":                 {name: "ZSTD"},
	"addquotes":            {name: "ADDQUOTES"},
	"null":                 {name: "NULL", shape: value},
	"escape":               {name: "ESCAPE"},
	"allowoverwrite":       {name: "ALLOWOVERWRITE"},
	"cleanpath":            {name: "CLEANPATH"},
	"parallel":             {name: "PARALLEL", shape: toggle},
	"maxfilesize":          {name: "MAXFILESIZE", shape: size},
	"rowgroupsize":         {name: "ROWGROUPSIZE", shape: size},
	"region":               {name: "REGION", shape: value},
	"extension":            {name: "EXTENSION", shape: value},
}

// userOptions are the options of CREATE and ALTER USER and ROLE. Names of two
// words are keyed by the first.
var userOptions = map[string]optionSpec{
	"password":     {name: "PASSWORD", shape: value},
	"createdb":     {name: "CREATEDB"},
	"nocreatedb":   {name: "NOCREATEDB"},
	"createuser":   {name: "CREATEUSER"},
	"nocreateuser": {name: "NOCREATEUSER"},
	"externalid":   {name: "EXTERNALID", shape: value},
}

// databaseOptions are the options of CREATE and ALTER DATABASE.
var databaseOptions = map[string]optionSpec{
	"owner":     {name: "OWNER", shape: value},
	"permanent": {name: "PERMANENT"},
	"collate":   {name: "COLLATE", shape: value},
}

// vacuumOptions are those of VACUUM and ANALYZE.
var vacuumOptions = map[string]optionSpec{
	"boost":    {name: "BOOST"},
	"comprows": {name: "COMPROWS", shape: value},
}
