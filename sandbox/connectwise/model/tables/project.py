"""Projects with their statuses, and their tickets, which are rows of the one table of tickets."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource
from sandbox.connectwise.model.tables.service import BILLING, METHODS

resource(
    "projectStatus",
    "/project/statuses",
    "name*:s30 defaultFlag:b inactiveFlag:b closedFlag:b",
    defaults={"defaultFlag": False, "inactiveFlag": False, "closedFlag": False},
)

resource(
    "project",
    "/project/projects",
    f"""
    actualEnd:d actualHours-:n actualStart:d agreement:r(Agreement) billExpenses!:e({BILLING})
    billingAmount:n billingAttention:s50 billingMethod*:e({METHODS})
    billingRateType!:e(StaffMember|WorkRole) billingTerms:r(BillingTerms) billProducts!:e({BILLING})
    billProjectAfterClosedFlag:b billTime!:e({BILLING}) billToCompany:r(Company)
    billToContact:r(Contact) billToSite:r(Site) billUnapprovedTimeAndExpense:b
    board*:r(ProjectBoard) budgetAnalysis!:e(ActualHours|BillableHours) budgetFlag:b budgetHours:n
    company*:r(Company) contact:r(Contact) customerPO:s50 description:s {CURRENCY} downpayment:n
    estimatedEnd*:d percentComplete:n estimatedExpenseRevenue:n estimatedHours:n
    estimatedProductRevenue:n estimatedStart*:d estimatedTimeRevenue:n expenseApprover:r(Member)
    includeDependenciesFlag:b includeEstimatesFlag:b location:r(SystemLocation)
    department:r(SystemDepartment) manager:r(Member) name*:s100 opportunity:r(Opportunity)
    projectTemplateId:i restrictDownPaymentFlag:b scheduledEnd:d scheduledHours:n scheduledStart:d
    shipToCompany:r(Company) shipToContact:r(Contact) shipToSite:r(Site) site:r(Site)
    status:r(ProjectStatus) closedFlag~:b timeApprover:r(Member) type:x
    doNotDisplayInPortalFlag:b billingStartDate:d poAmount:n estimatedTimeCost:n
    estimatedExpenseCost:n estimatedProductCost:n taxCode:r(TaxCode)
    companyLocation:r(SystemLocation) {CUSTOM}
    """,
    first_id=1801,
    indexed="company opportunity",
    callback="project",
    defaults={
        "billExpenses": "Billable",
        "billProducts": "Billable",
        "billTime": "Billable",
        "billingRateType": "WorkRole",
        "budgetAnalysis": "ActualHours",
    },
    default_records={"status": "projectStatus defaultFlag"},
)

resource(
    "projectTicket",
    "/project/tickets",
    f"""
    summary*:s100 isIssueFlag:b board:r(Board) status:r(ServiceStatus) workRole:x workType:x
    project:r(Project) phase*:x wbsCode:s50 company:r(Company) site:r(Site) siteName:s50
    addressLine1:s50 addressLine2:s50 city:s50 stateIdentifier:s50 zip:s12 country:x(identifier)
    contact:r(Contact) contactName:s62 contactPhoneNumber:s20 contactPhoneExtension:s15
    contactEmailAddress:s250 type:x subType:x item:x owner:r(Member) priority:x(sort|level)
    serviceLocation:x source:x requiredDate:d budgetHours:n opportunity:r(Opportunity)
    agreement:r(Agreement) agreementType:s knowledgeBaseCategoryId:i knowledgeBaseSubCategoryId:i
    knowledgeBaseLinkId:i allowAllClientsPortalView:b customerUpdatedFlag:b
    automaticEmailContactFlag:b automaticEmailResourceFlag:b automaticEmailCcFlag:b
    automaticEmailCc:s1000 closedDate-:s closedBy-:s closedFlag~:b actualHours:n approved:b
    subBillingMethod:e({METHODS}) subBillingAmount:n subDateAccepted:s resources:s
    billTime:e({BILLING}) billExpenses:e({BILLING}) billProducts:e({BILLING})
    predecessorType:e(Ticket|Phase) predecessorId:i predecessorClosedFlag:b lagDays:i
    lagNonworkingDaysFlag:b estimatedStartDate:d location:r(SystemLocation)
    department:r(SystemDepartment) duration:i scheduleStartDate:d scheduleEndDate:d mobileGuid:s
    {CURRENCY} initialDescription^:s initialInternalAnalysis^:s initialResolution^:s
    contactEmailLookup:s processNotifications^:b skipCallback^:b {CUSTOM}
    """,
    stored_in="ticket",
    only={"recordType": ("ProjectTicket", "ProjectIssue")},
    defaults={
        "isIssueFlag": False,
        "billProducts": "Billable",
    },
)

resource(
    "projectTicketProduct",
    "/project/tickets/#/products",
    "description-:s",
    name="productReference",
    stored_in="product",
    methods=frozenset(),
    parent="ticket",
    parent_table="projectTicket",
)
