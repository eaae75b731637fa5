from app.domain.records import CallRecord, Fact, Ref, Release, StepRun
from tests.store.build import *


async def test_smoke(store, worker):
    a = await store.accept(delivery("m1", sales_order(quote="501")))
    assert not a.duplicate
    assert (await store.accept(delivery("m1", sales_order(quote="501")))).duplicate
    assert (await store.accept(delivery("m1", sales_order(version=3)))).reused
    assert await merge_all(store) == 1
    await deliver(store, "m2", quote(connectwise={"opportunityId": 88}))
    await deliver(store, "m3", purchase_order(), receipt())
    claim = await claim_one(store, worker)
    snap = await store.load(claim)
    assert len(snap.documents) == 4
    intent = await store.begin(claim, step="s", subject="order", kind="k", key="x", evidence={"a": 1},
        calls=[CallRecord("connectwise","GET","/x","",200,1.5,None,"{}")])
    assert intent.fresh
    intent2 = await store.begin(claim, step="s", subject="order", kind="k", key="x", evidence={"a": 1})
    assert not intent2.fresh and intent2.id == intent.id
    assert (await store.announce_again(claim, intent.id)).attempt == 2
    assert (await store.claim_shared(claim, "catalog_item", "A", 10)).owned
    w = writes(claim, ledger=[applied()], refs=[Ref("opportunity","","88")], facts=[Fact("conversion","",{}, snap.now)],
       outcomes=[(intent.id, {"id": 5})], looked=[intent.id], journal=[entry()], drop_claims=[("catalog_item","A")],
       calls=[CallRecord("connectwise","GET","/x","",200,1.5,None,"{}")],
       run_started=StepRun("s","order",1), pin=("b1",1,{"x":"y"}))
    c = await store.commit(w, Release(snap.order.wake_seq, None, waiting()))
    assert c.held and c.released
    snap = await store.peek(claim.order_id)
    assert snap.order.number == "ON1201"
    assert snap.ledger and snap.refs and snap.facts and snap.intents[0].outcome == {"id": 5}
    assert await store.next_due() is None
    await store.accept(delivery("cw1", routes=(("opportunity","88"),), source="connectwise"))
    await store.accept(delivery("cw2", routes=(("opportunity","89"),), source="connectwise"))
    await merge_all(store)
    h = await store.hints(5)
    assert len(h) == 1
    assert await store.settle_hint(h[0].id, [("opportunity", "88")]) == 1
    snap = await store.peek(claim.order_id)
    assert snap.facts[0].seen_at.year == 1970
    await store.poll_due(4)
