"""Members, locations, departments and callback registrations."""

from sandbox.connectwise.model.resources import CUSTOM, resource

resource(
    "member",
    "/system/members",
    f"""
    identifier*:s15 password^:s60 disableOnlineFlag:b licenseClass*:e(A|C|F|X) notes:s
    employeeIdentifer:s10 vendorNumber:s inactiveDate:d inactiveFlag:b lastLogin-:s
    firstName*:s30 middleInitial:s1 lastName*:s30 hireDate*:d country:x(identifier) photo:x
    officeEmail:s250 mobileEmail:s250 homeEmail:s250 defaultEmail*:e(Office|Mobile|Home)
    primaryEmail~:s officePhone:s15 officeExtension:s10 mobilePhone:s15
    mobileExtension:s10 homePhone:s15 homeExtension:s10 defaultPhone*:e(Office|Mobile|Home)
    securityRole*:x signature:s title:s type:x timeZone:x adminFlag:b structureLevel:x
    securityLocation:r(SystemLocation) defaultLocation:r(SystemLocation)
    defaultDepartment:r(SystemDepartment) reportsTo:r(Member) restrictLocationFlag:b
    restrictDepartmentFlag:b workRole:x workType:x timeApprover:r(Member)
    expenseApprover:r(Member) dailyCapacity:n hourlyCost:n hourlyRate:n
    salesDefaultLocation:r(SystemLocation) warehouse:r(Warehouse)
    warehouseBin:r(WarehouseBin) serviceDefaultBoard:r(Board)
    invoiceScreenDefaultTabFormat:e(ShowInvoicingTab|ShowAgreementInvoicingTab)
    invoicingDisplayOptions:e(RemainOnInvoicingScreen|ShowRecentInvoices)
    agreementInvoicingDisplayOptions:e(RemainOnInvoicingScreen|ShowRecentInvoices) {CUSTOM}
    """,
    first_id=140,
    indexed="identifier",
    callback="member",
    defaults={
        "inactiveFlag": False,
        "adminFlag": False,
        "invoiceScreenDefaultTabFormat": "ShowInvoicingTab",
        "invoicingDisplayOptions": "RemainOnInvoicingScreen",
        "agreementInvoicingDisplayOptions": "RemainOnInvoicingScreen",
    },
)

resource(
    "location",
    "/system/locations",
    """
    ownerLevelId:i structureLevel*:x name*:s50 manager:r(Member) reportsTo:r(SystemLocation)
    salesRep:s50 timeZoneSetup:x calendar:x overrideAddressLine1:s50
    overrideAddressLine2:s50 overrideCity:s50 overrideState:s50 overrideZip:s12
    overrideCountry:x overridePhoneNumber:s15 overrideFaxNumber:s15 owaUrl:s100
    payrollXref:s10 locationFlag:b clientFlag:b workRoleIds:li departmentIds:li
    """,
    first_id=2,
)

resource(
    "department",
    "/system/departments",
    "identifier*:s15 name*:s50",
    first_id=10,
)

resource(
    "callback",
    "/system/callbacks",
    """
    description:s100 url*:s objectId*:i type*:s level*:s memberId-:i payloadVersion:s
    inactiveFlag:b isSoapCallbackFlag-:b isSelfSuppressedFlag:b connectWiseID-:s
    """,
    name="callbackEntry",
    first_id=26550,
    defaults={
        "payloadVersion": "3.0.0",
        "inactiveFlag": False,
        "isSelfSuppressedFlag": False,
        "isSoapCallbackFlag": False,
    },
)
