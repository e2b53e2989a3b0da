package function

import "strings"

// refused are known functions that are not built.
var refused = refuse(`
	addbbox geometrytype st_addpoint st_angle st_area st_asbinary st_asewkb st_asewkt st_asgeojson st_ashexewkb st_ashexwkb
	st_astext st_azimuth st_boundary st_buffer st_centroid st_collect st_contains st_containsproperly st_convexhull st_coveredby
	st_covers st_crosses st_dimension st_disjoint st_distance st_distancesphere st_dwithin st_endpoint st_envelope st_equals
	st_exteriorring st_force2d st_force3d st_force3dm st_force3dz st_force4d st_geogfromtext st_geogfromwkb st_geohash
	st_geomcollfromtext st_geometryn st_geometrytype st_geomfromewkb st_geomfromewkt st_geomfromgeohash st_geomfromgeojson
	st_geomfromgeosquare st_geomfromtext st_geomfromwkb st_geosquare st_interiorringn st_intersects st_intersection st_ispolygonccw
	st_ispolygoncw st_isclosed st_iscollection st_isempty st_isring st_issimple st_isvalid st_length st_lengthsphere st_length2d
	st_linefrommultipoint st_linefromtext st_linefromwkb st_linestringfrommultipoint st_makeenvelope st_makeline st_makepoint
	st_makepolygon st_memsize st_mlinefromtext st_mpointfromtext st_mpolyfromtext st_multi st_ndims st_npoints st_nrings st_numgeometries
	st_numinteriorrings st_numpoints st_perimeter st_perimeter2d st_point st_pointfromtext st_pointfromwkb st_pointn st_points
	st_polygon st_polygonfromtext st_polygonfromwkb st_reverse st_removepoint st_scale st_setpoint st_setsrid st_simplify st_srid
	st_startpoint st_touches st_transform st_translate st_union st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z st_zmax st_zmin
	supportsbbox st_m st_mmax st_mmin st_rotate st_snaptogrid st_addbbox st_dropbbox dropbbox h3_boundary h3_center h3_fromlonglat h3_frompoint h3_isvalid h3_polyfill
	h3_resolution h3_tochildren h3_toparent st_lineinterpolatepoint
	current_session_arn default_iam_role pg_get_grantee_by_iam_role
	pg_get_iam_role_by_user pg_get_session_roles user_name_to_id explain_model pg_cancel_backend pg_terminate_backend reboot_cluster
	has_assumerole_privilege change_query_priority change_session_priority change_user_priority
	mv_refresh_status age isfinite get_bit get_byte set_bit set_byte to_ascii pg_timezone_names pg_timezone_abbrevs
`)

func refuse(names string) []Function {
	var list []Function
	for _, n := range strings.Fields(names) {
		list = append(list, Function{Name: n, Kind: Refused, Max: -1})
	}
	return list
}
