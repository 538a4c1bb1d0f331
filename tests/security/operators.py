"""What a query of MongoDB would obey, if a user's value ever became part of one."""

from __future__ import annotations

from typing import Any

# Every operator that a filter, an update or a pipeline knows and that would widen, run or leak something.
NAMES = """
    $ne $eq $gt $gte $lt $lte $in $nin $not $nor $or $and $exists $type $expr $jsonSchema $mod $regex
    $options $text $where $all $elemMatch $size $bitsAllSet $comment $rand $natural $meta $slice $set
    $unset $inc $push $pull $addToSet $rename $setOnInsert $currentDate $function $accumulator $lookup
    $merge $out $query $orderby $hint $explain $returnKey $oid $date $binary $numberLong $code $scope
    $ref $id $db $regularExpression $undefined $minKey
""".split()  # noqa: SIM905 - a list of fifty strings reads worse

_SHAPES: list[Any] = [
    {"$ne": None},
    {"$ne": ""},
    {"$gt": ""},
    {"$gte": {"$minKey": 1}},
    {"$regex": ".*"},
    {"$regex": "^o", "$options": "i"},
    {"$in": ["", None, {"$ne": 1}]},
    {"$where": "sleep(5000) || true"},
    {"$where": "this.openid"},
    {"$function": {"body": "function(){return true}", "args": [], "lang": "js"}},
    {"$expr": {"$eq": [1, 1]}},
    {"$or": [{}, {"a": 1}]},
    {"$not": {"$regex": "x"}},
    {"$exists": True},
    {"$type": 2},
    {"$elemMatch": {"openid": {"$ne": ""}}},
    {"$jsonSchema": {}},
    {"$oid": "000000000000000000000000"},
    {"$date": 0},
    {"$binary": {"base64": "AA==", "subType": "00"}},
    {"$ref": "users", "$id": 1},
    [],
    [{}],
    [{"$ne": 1}],
    ["a", "b"],
    [["a"]],
    {},
    {"": ""},
    {"a.b": 1},
    {"a": {"$ne": 1}},
    {"\x00": 1},
    {"toString": "x"},
    {"length": 1},
    {"_bsontype": "ObjectID"},
    0,
    1,
    True,
    1.5,
]

# As text these are literals: they may be looked up, never obeyed.
TEXTS: list[str] = [
    '{"$ne": null}',
    "$ne",
    "$where",
    "$where: 'sleep(5000)'",
    "[$ne]=1",
    "' || '1'=='1",
    "'; return true; var x='",
    "true, $where: '1 == 1'",
    ".*",
    "^",
    "(a+)+$",
    "[",
    "\\",
    "a.b",
    "$",
    "..",
    "{{a}}",
    "\u0000",
]

VALUES: list[Any] = [
    *_SHAPES,
    *({name: 1} for name in NAMES),
    *({"$" + name[1:]: {"$gt": ""}} for name in NAMES[:20]),
]

# The ways in which form decoders of other languages turn a name into an object.
NAME_SUFFIXES = (
    "[$ne]",
    "[$gt]",
    "[$regex]",
    "[$where]",
    "[]",
    "[0]",
    "[a][$ne]",
    ".$ne",
    "%5B$ne%5D",
    "$",
    ".",
)
