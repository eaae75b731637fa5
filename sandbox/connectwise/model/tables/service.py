"""Service boards with statuses, and tickets with notes."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource

BILLING = "Billable|DoNotBill|NoCharge|NoDefault"
METHODS = "ActualRates|FixedFee|NotToExceed|OverrideRate"

resource(
    "board",
    "/service/boards",
    f"""
    name*:s50 location*:r(SystemLocation) department*:r(SystemDepartment) inactiveFlag:b
    projectFlag:b showDependenciesFlag:b showEstimatesFlag:b billTicketsAfterClosedFlag:b
    billTicketSeparatelyFlag:b billUnapprovedTimeExpenseFlag:b overrideBillingSetupFlag:b
    dispatchMember:r(Member) serviceManagerMember:r(Member) dutyManagerMember:r(Member)
    oncallMember:r(Member) workRole:x workType:x billTime:e({BILLING}) billExpense:e({BILLING})
    billProduct:e({BILLING}) autoCloseStatus:r(ServiceStatus) autoAssignNewTicketsFlag:b
    """,
    first_id=14,
    defaults={"inactiveFlag": False, "projectFlag": False},
)

resource(
    "boardStatus",
    "/service/boards/#/statuses",
    """
    name*:s50 board-:r(Board) sortOrder:i displayOnBoard:b inactive:b closedStatus:b
    timeEntryNotAllowed:b roundRobinCatchall:b defaultFlag:b
    escalationStatus:e(NotResponded|Responded|ResolutionPlan|Resolved|NoEscalation)
    customerPortalDescription:s500 customerPortalFlag:b emailTemplate:x statusIndicator:x
    customStatusIndicatorName:s30 saveTimeAsNote:b
    """,
    first_id=530,
    parent="board",
    parent_table="board",
    defaults={"inactive": False, "closedStatus": False, "defaultFlag": False},
)

resource(
    "ticket",
    "/service/tickets",
    f"""
    summary*:s100 recordType-:e(ProjectIssue|ProjectTicket|ServiceTicket) board:r(Board)
    status:r(ServiceStatus) workRole:x workType:x company*:r(Company) site:r(Site) siteName:s50
    addressLine1:s50 addressLine2:s50 city:s50 stateIdentifier:s50 zip:s12 country:x(identifier)
    contact:r(Contact) contactName:s62 contactPhoneNumber:s20 contactPhoneExtension:s15
    contactEmailAddress:s250 type:x subType:x item:x team:x owner:r(Member)
    priority:x(sort|level) serviceLocation:x source:x requiredDate:d budgetHours:n
    opportunity:r(Opportunity) agreement:r(Agreement) agreementType:s
    severity!:e(Low|Medium|High) impact!:e(Low|Medium|High) externalXRef:s100 poNumber:s50
    knowledgeBaseCategoryId:i knowledgeBaseSubCategoryId:i allowAllClientsPortalView:b
    customerUpdatedFlag:b automaticEmailContactFlag:b automaticEmailResourceFlag:b
    automaticEmailCcFlag:b automaticEmailCc:s1000 initialDescription^:s
    initialInternalAnalysis^:s initialResolution^:s initialDescriptionFrom:s
    contactEmailLookup:s processNotifications^:b skipCallback^:b closedDate-:s closedBy-:s
    closedFlag~:b actualHours:n approved:b billingMethod:e({METHODS}) billingAmount:n
    hourlyRate:n subBillingMethod:e({METHODS}) subBillingAmount:n resources:s
    parentTicketId:k(ticket) hasChildTicket-:b hasMergedChildTicketFlag-:b billTime:e({BILLING})
    billExpenses:e({BILLING}) billProducts:e({BILLING}) predecessorType:e(Ticket|Phase)
    predecessorId:i predecessorClosedFlag:b lagDays:i estimatedStartDate:d duration:i
    location:r(SystemLocation) department:r(SystemDepartment) mobileGuid:s sla:x slaStatus:s
    requestForChangeFlag:b {CURRENCY} mergedParentTicket-:r(Ticket) integratorTags:ls {CUSTOM}
    """,
    first_id=21001,
    indexed="company externalXRef opportunity project",
    callback="ticket",
    only={"recordType": ("ServiceTicket",)},
    defaults={
        "recordType": "ServiceTicket",
        "severity": "Medium",
        "impact": "Medium",
        "hasChildTicket": False,
        "hasMergedChildTicketFlag": False,
        "billProducts": "Billable",
    },
)

resource(
    "ticketNote",
    "/service/tickets/#/notes",
    """
    ticketId-:k(ticket) text:s detailDescriptionFlag:b internalAnalysisFlag:b resolutionFlag:b
    issueFlag:b member:r(Member) contact:r(Contact) customerUpdatedFlag:b
    processNotifications^:b dateCreated-:s createdBy-:s internalFlag:b externalFlag:b
    sentimentScore-:n
    """,
    name="serviceNote",
    first_id=33001,
    parent="ticketId",
    parent_table="ticket",
)

resource(
    "ticketProduct",
    "/service/tickets/#/products",
    "description-:s",
    name="productReference",
    stored_in="product",
    methods=frozenset(),
    parent="ticket",
    parent_table="ticket",
)
