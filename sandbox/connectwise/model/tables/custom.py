"""The set-up of user-defined fields."""

from sandbox.connectwise.model.resources import resource

resource(
    "userDefinedField",
    "/system/userDefinedFields",
    """
    podId*:i caption*:s25 sequenceNumber*:i screenId:s25 helpText:s1000
    fieldTypeIdentifier*:e(TextArea|Button|Currency|Date|Hyperlink|IPAddress|Checkbox|Number|Percent|Text|Password)
    numberDecimals:i entryTypeIdentifier:e(Date|EntryField|List|Option) requiredFlag:b
    displayOnScreenFlag:b readOnlyFlag:b listViewFlag:b buttonUrl:s1000
    options:lo(id|optionValue|defaultFlag|inactiveFlag|sortOrder) businessUnitIds:li
    locationIds:li addAllBusinessUnits^:b removeAllBusinessUnits^:b addAllLocations^:b
    removeAllLocations^:b connectWiseID-:s dateCreated-:d
    """,
    first_id=501,
    methods=frozenset({"GET", "POST"}),
    indexed="podId",
    defaults={
        "requiredFlag": False,
        "displayOnScreenFlag": True,
        "readOnlyFlag": False,
        "listViewFlag": False,
    },
)
