package duck

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// abbreviations are the names of fixed offsets from UTC, in minutes ("Time zone
// abbreviations" of the guide). They win over names of zones spelt alike: CET
// is an hour ahead of UTC in summer, too.
var abbreviations = map[string]int{
	"UTC": 0, "UCT": 0, "UT": 0, "GMT": 0, "Z": 0, "ZULU": 0, "WET": 0, "EGST": 0, "AZOST": 0,
	"WETDST": 60, "BST": 60, "CET": 60, "MET": 60, "MEZ": 60, "CEST": 120, "CETDST": 120, "MEST": 120, "METDST": 120,
	"EET": 120, "IST": 120, "SAST": 120, "EEST": 180, "EETDST": 180, "EAT": 180, "FET": 180, "IDT": 180, "MSK": 180,
	"IRT": 210, "MSD": 240, "GST": 240, "MUT": 240, "SCT": 240, "AFT": 270, "MVT": 300, "PKT": 300, "TJT": 300, "TMT": 300, "UZT": 300, "YEKT": 300,
	"NPT": 345, "BDT": 360, "BTT": 360, "PKST": 360, "YEKST": 360, "MMT": 390, "ICT": 420, "CXT": 420,
	"AWST": 480, "BNT": 480, "CCT": 480, "HKT": 480, "MYT": 480, "PHT": 480, "SGT": 480, "JST": 540, "KST": 540, "AWSST": 540, "CAST": 570,
	"AEST": 600, "PGT": 600, "CHUT": 600, "CADT": 630, "SADT": 630, "ACSST": 630, "LHST": 630, "AESST": 660, "LHDT": 660,
	"NZST": 720, "NZT": 720, "NZDT": 780, "TOT": 780, "LINT": 840,
	"AZOT": -60, "EGT": -60, "FNT": -120, "BRST": -120, "UYST": -120, "NDT": -150, "ADT": -180, "ART": -180, "BRA": -180, "BRT": -180, "GFT": -180, "UYT": -180, "WGT": -180,
	"NST": -210, "NFT": -210, "AST": -240, "BOT": -240, "CLT": -240, "EDT": -240, "GYT": -240, "PYT": -240,
	"EST": -300, "CDT": -300, "COT": -300, "PET": -300, "ACT": -300, "CST": -360, "MDT": -360, "GALT": -360, "EAST": -360,
	"MST": -420, "PDT": -420, "PST": -480, "AKDT": -480, "AKST": -540, "GAMT": -540, "MART": -570, "HST": -600, "TAHT": -600, "CKT": -600, "NUT": -660,
}

// posixZone is a zone as POSIX writes it: a name, the hours west of Greenwich,
// and a name for summer time.
var posixZone = regexp.MustCompile(`^([A-Za-z][A-Za-z_/]{2,}) ?([-+]?)(\d{1,2})(?::?([0-5]\d))?([A-Za-z]*)$`)

// ZoneOffset gives the seconds east of UTC of a zone that is an abbreviation or
// written as POSIX does, in which positive hours are west ("CONVERT_TIMEZONE
// function" of the guide). False for names of zones, whose offset depends on
// the day.
func ZoneOffset(zone string) (seconds int, ok bool) {
	zone = strings.TrimSpace(zone)
	if m, ok := abbreviations[strings.ToUpper(zone)]; ok {
		return m * 60, true
	}
	m := posixZone.FindStringSubmatch(zone)
	if m == nil || m[5] != "" { // one with summer time is a name: EST5EDT
		return 0, false
	}
	hours, _ := strconv.Atoi(m[3])
	minutes, _ := strconv.Atoi("0" + m[4])
	seconds = -(hours*3600 + minutes*60)
	if m[2] == "-" {
		seconds = -seconds
	}
	return seconds, true
}

// ZoneName is how DuckDB calls a zone; false for an offset it has no name for.
func ZoneName(zone string) (string, bool) {
	seconds, ok := ZoneOffset(zone)
	switch {
	case !ok:
		return zone, true
	case seconds == 0:
		return "UTC", true
	case seconds%3600 != 0 || seconds > 14*3600 || seconds < -12*3600:
		return "", false
	}
	return fmt.Sprintf("Etc/GMT%+d", -seconds/3600), true
}

// zoneOffset is stepwell_zone_offset(zone): NULL for the name of a zone.
func zoneOffset(args []Vector, row int, out *output) error {
	seconds, ok := ZoneOffset(args[0].Text(row))
	if !ok {
		out.null(row)
		return nil
	}
	out.bigint(row, int64(seconds))
	return nil
}
