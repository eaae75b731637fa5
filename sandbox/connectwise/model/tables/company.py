"""Companies, their statuses and sites, and contacts."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource

USER_FIELDS = " ".join(f"userDefinedField{number}:s50" for number in range(1, 11))

resource(
    "company",
    "/company/companies",
    f"""
    identifier*:s30 name*:s50 status:r(CompanyStatus) addressLine1:s50 addressLine2:s50 city:s50
    state:s50 zip:s12 country:x(identifier) phoneNumber:s30 faxNumber:s30 website:s255
    territory:r(SystemLocation) market:x accountNumber:s defaultContact:r(Contact)
    dateAcquired:d sicCode:x parentCompany:r(Company) annualRevenue:n numberOfEmployees:i
    yearEstablished:i revenueYear:i ownershipType:x timeZoneSetup:x leadSource:s50 leadFlag:b
    unsubscribeFlag:b calendar:x {USER_FIELDS} vendorIdentifier:s taxIdentifier:s
    taxCode:r(TaxCode) billingTerms:r(BillingTerms) invoiceTemplate:x pricingSchedule:x
    companyEntityType:x billToCompany:r(Company) billingSite:r(Site) billingContact:r(Contact)
    invoiceDeliveryMethod:x invoiceToEmailAddress:s invoiceCCEmailAddress:s deletedFlag-:b
    dateDeleted-:d deletedBy-:s mobileGuid:s facebookUrl:s twitterUrl:s linkedInUrl:s {CURRENCY}
    territoryManager:r(Member) resellerIdentifier:s isVendorFlag:b types:lo(id|name)
    site:r(Site) integratorTags:ls {CUSTOM}
    """,
    first_id=250,
    indexed="identifier",
    callback="company",
    defaults={"deletedFlag": False, "isVendorFlag": False},
    default_records={"status": "companyStatus defaultFlag"},
)

resource(
    "companyStatus",
    "/company/companies/statuses",
    """
    name*:s50 defaultFlag:b inactiveFlag:b notifyFlag:b disallowSavingFlag:b
    notificationMessage:s500 customNoteFlag:b cancelOpenTracksFlag:b track:x
    """,
    defaults={"defaultFlag": False, "inactiveFlag": False},
)

resource(
    "site",
    "/company/companies/#/sites",
    f"""
    name*:s50 addressLine1:s50 addressLine2:s50 city:s50 stateReference:x zip:s12
    country:x(identifier) addressFormat:s phoneNumber:s30 phoneNumberExt:s30 faxNumber:s30
    taxCode:r(TaxCode) entityType:x expenseReimbursement:n primaryAddressFlag:b
    defaultShippingFlag:b defaultBillingFlag:b defaultMailingFlag:b inactiveFlag:b
    billSeparateFlag:b mobileGuid:s calendar:x timeZone:x company-:r(Company) {CUSTOM}
    """,
    first_id=410,
    parent="company",
    parent_table="company",
    defaults={"inactiveFlag": False, "primaryAddressFlag": False},
)

resource(
    "contact",
    "/company/contacts",
    f"""
    firstName:s lastName:s company:r(Company) site:r(Site) addressLine1:s addressLine2:s city:s
    state:s zip:s country:x(identifier) relationship:x relationshipOverride:s department:x
    inactiveFlag:b defaultMergeContactId:i securityIdentifier:s managerContact:r(Contact)
    assistantContact:r(Contact) title:s school:s nickName:s marriedFlag:b childrenFlag:b
    children:s significantOther:s portalPassword^:s portalSecurityLevel:i
    disablePortalLoginFlag:b unsubscribeFlag:b gender:e(Female|Male) birthDay:s anniversary:s
    presence:e(NoAgent|Online|DoNotDisturb|Away|Offline) mobileGuid:s facebookUrl:s twitterUrl:s
    linkedInUrl:s defaultPhoneType:s defaultPhoneNbr:s defaultPhoneExtension:s
    defaultBillingFlag:b defaultFlag:b {USER_FIELDS} companyLocation:r(SystemLocation)
    communicationItems:lo(id|type|value|extension|defaultFlag|domain|communicationType)
    types:lo(id|name) integratorTags:ls {CUSTOM} photo:x ignoreDuplicates^:b typeIds^:li
    """,
    first_id=1310,
    indexed="company",
    callback="contact",
    defaults={"inactiveFlag": False, "defaultFlag": False, "communicationItems": []},
)
