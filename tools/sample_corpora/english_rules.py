"""How English sentences of the sample corpus are built; the marks are explained in `grammar`."""

from __future__ import annotations

NAMES = {
    "PER": """
        16 {known_person}
        6 {first} {last}
        {first} {first} {last}
        {first} <A.|J.|M.|T.|W.> {last}
        2 {last}
        2 {first}
        {first} <van der|de|von> {last}
        * {first} {last}-{last}
        * {first} {last} <Jr.|III>
    """,
    "first": "4 {given}\n3 {twins}\n1 {word_given}",
    "last": "4 {surname}\n3 {twins}\n3 {stem}{town_end}",
    "FULL": "{first} {last}",
    "LOC": """
        20 {place}
        {place} {street_end}
        {last} {street_end}
        <Isle|Gulf|Valley> of {place}
        <Lake|Mount|River|Port|Cape|Fort|Saint> <{first}|{last}|{stem}{town_end}>
        <North|South|East|West|Upper|New> {place}
        {stem}{town_end}-on-<Sea|the-Hill|{stem}>
        * {place} <Bay|Valley|Falls|Airport>
    """,
    "place": "8 {known_town}\n5 {town}\n4 {country}\n1 {region}\n4 {twins}\n2 {stem}{town_end}\n1 {word_town}",
    "city": "5 {town}\n3 {twins}\n1 {stem}{town_end}\n1 {word_town}",
    "ORG": """
        14 {known_org}
        5 {firm}
        2 {city} {institution}
        University of {place}
        Bank of {place}
        Ministry of {ministry}
        {cause} Party
        2 {initials}
        {city} {team_end}
        {place} School of <Medicine|Economics|Music|Mines>
        {first} {last} Foundation
        * {place} and {place} {institution}
        Federation of {nation} {industry}
    """,
    "firm": """
        12 {known_firm}
        2 {coin_start}{coin_end}
        2 {last}
        {last} {company_end}
        {last} & {last}
        {last} , {last} & {last}
        {city} {industry}
        2 {word_firm}
        {word_firm} {industry}
        {coin_start}{coin_end} {company_end}
        {nation} {industry} {company_end}
        * {first} {last} {company_end}
    """,
    "TEAM": "6 {known_town}\n4 {city}\n2 {city} {team_end}\n{country}",
    "PRODUCT": """
        8 {known_product}
        2 {pet}
        2 {pet} {model}
        2 {coin_start}{coin_end} {model}
        2 {coin_start}{coin_end}
        {word_firm} {model}
        {twins} {model}
        {last} {model}
        {first}
        * {word_firm} {pet} {model}
    """,
    "EVENT": """
        8 {known_event}
        2 {city} {contest}
        {country} {contest}
        2 {year} {city} {contest}
        {last} {contest}
        2 {past} of {place}
        Storm {first}
        <World|European|Winter|National> {contest}
        {ordinal} {city} {contest}
        * Hurricane {first}
        * {country} and {country} {contest}
    """,
    "year": "<190|196|198|200|201><1|3|4|7|8>",
    "ordinal": "<12th|21st|33rd|9th|50th|Third|Fifth>",
    "number": "<two|three|seven|12|40|350|1,200|6.5|18|90,000|2.4 million>",
    "when": """
        on <Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday>
        last <week|night|month|year|May|June|spring>
        in {year}
        in <March|April|May|August|October>
        this morning
        <yesterday|again|at noon|at last>
        * two days after the <funeral|vote|fire>
        * at <7.30|noon|midnight>
    """,
    "thing": "the {adjective} {noun}\n2 the {noun}\na {adjective} {noun}\nthe {goods}",
    "who": "the {role}\na {adjective} {role}\n{title} [PER]\nthe {nation} {role}\n[PER] , the {role} ,\n2 [PER]",
    "twin": "3 {twins}\n3 {stem}{town_end}\n1 {word_given}\n1 {word_town}",
}

SENTENCES = {
    "sentence": """
        13 {plain}
        7 {people}
        5 {towns}
        6 {firms}
        3 {goods_talk}
        3 {events}
        6 {mixed}
        2 {adjacent}
        2 {listing}
        2 {coordination}
        1 {either_way}
    """,
    # No entity at all, though some of it looks like one.
    "plain": """
        the {noun} was {adjective} , and the {noun} was {adjective} .
        {role}s and {role}s met {when} to talk about {thing} .
        nobody {said} anything about {thing} .
        will the {role} {human_plain} ?
        may the {noun} stay {adjective} .
        mark the day the {noun} opened .
        hope is a {adjective} thing , the {role} {said} .
        rose petals lay on the {noun} .
        reading about {thing} takes time .
        summer was {adjective} and autumn was {adjective} .
        nice {noun} , but the {goods} is {adjective} .
        a {nation} {role} {said} that the {noun} would close {when} .
        " it is only a {noun} , " the {role} {said} , " and a {adjective} one . "
        the {goods} {thing_verb} .
        the {office} , a {adjective} {role} , {human_verb} {when} .
        {number} {goods}s and {number} {goods}s were sold {when} .
        the university and the ministry agreed on {thing} .
        the street by the river {town_verb} .
        the company {firm_verb} .
        the party lost {number} seats {when} .
        grant money for {thing} ran out .
        the {role} took a bath and {human_verb} .
        a summit , a harbour and a bridge were drawn on the {noun} .
        its rival {firm_verb} {when} , the {role} {said} .
        * who needs a {adjective} {noun} ?
        * joy and faith are not enough for a {adjective} {role} .
        * a falcon and a raven sat on the {adjective} {noun} .
        * the village {town_verb} , {role}s {said} {when} .
        * frank words from the {role} : the {noun} is {adjective} .
        * bill after bill failed , and the {noun} stayed {adjective} .
        * the marathon {event_verb} .
    """,
    "human_plain": "<stay|resign|come back|apologise|sing|pay|vote|win|agree>",
    "people": """
        2 {title} [PER] {human_verb} {when} .
        2 [PER] {human_verb} .
        [PER] , a {role} , {said} {thing} was {adjective} .
        the {role} [PER] {human_verb} {when} .
        " <we|you|they> must keep {thing} , " {said} [PER] .
        [PER] {said} {when} that {thing} was {adjective} .
        she married [PER] {when} .
        my brother [PER] wants to be a {role} .
        [PER] 's mother was a {role} from [LOC] .
        the {role} is called [PER] , not [PER] .
        nobody had told [PER] about {thing} .
        [PER] , {number} , {human_verb} in [LOC] {when} .
        {title} [PER] of [ORG] {human_verb} .
        [PER] ( [ORG] ) {said} the {noun} was {adjective} .
        a letter from [PER:first] to [PER:first] was found in the {noun} .
        dear [PER:first] , thank you for {thing} .
        [PER] and her {role} {human_verb} .
        * born in [LOC] , [PER] worked as a {role} before he {human_verb} .
        * as a {role} , [PER] had never seen {thing} .
        * it was [PER] who {human_verb} {when} .
        * [PER] 's eyes filled with tears .
        * " thanks , [PER:first] , " the {role} {said} .
        * [PER] -- {role} , {role} and {role} -- {human_verb} {when} .
        * the jury believed [PER] , whose {role} {human_verb} .
    """,
    "towns": """
        2 [LOC] {town_verb} .
        the road from [LOC] to [LOC] was closed {when} .
        it rained in [LOC] {when} .
        we drove through [LOC] and stopped in [LOC] .
        [LOC:city] , in the south of [LOC:country] , {town_verb} .
        the {role} lives near [LOC] .
        [LOC] 's {noun} was {adjective} .
        the mayor of [LOC] {human_verb} .
        {role}s from [LOC] arrived {when} .
        a {adjective} {noun} in [LOC] {town_verb} .
        she was born in [LOC] and died in [LOC] .
        the {noun} on [LOC] is {adjective} .
        flights to [LOC] , [LOC] and [LOC] were late {when} .
        [LOC] -- {role}s {said} {when} that {thing} was {adjective} .
        the border between [LOC:country] and [LOC:country] stayed shut .
        * north of [LOC] the {noun} is {adjective} .
        * people in [LOC] sleep badly when it is hot .
        * all trains call at [LOC] .
        * the {noun} flows past [LOC] into the sea .
        * [LOC] and its suburbs lost water {when} .
        * population of [LOC] : {number}
    """,
    "firms": """
        2 [ORG:firm] {firm_verb} .
        2 [ORG] {firm_verb} {when} .
        shares in [ORG:firm] fell {number} per cent {when} .
        [ORG:firm] , which makes {goods}s , {firm_verb} .
        the {office} of [ORG] {human_verb} .
        [ORG:firm] bought [ORG:firm] for {number} euros {when} .
        a {role} at [ORG] {said} that {thing} was {adjective} .
        [ORG:firm] and [ORG:firm] {firm_verb} .
        [ORG:TEAM] beat [ORG:TEAM] 3 - 1 {when} .
        [ORG:TEAM] signed a {role} from [ORG:TEAM] .
        [ORG:TEAM] scored twice in the second half .
        the {role} left [ORG:TEAM] for [ORG:TEAM] {when} .
        the goalkeeper of [ORG:TEAM] {human_verb} .
        [ORG] published a report about {thing} .
        she studied {ministry} at [ORG] .
        {number} workers at [ORG:firm] went on strike {when} .
        [ORG:firm] 's lawyers {said} the {noun} was {adjective} .
        * [ORG:TEAM] are top of the league after {number} games .
        * [ORG:TEAM] were relegated {when} .
        * analysts expect [ORG:firm] to cut its forecast .
        * buy shares of [ORG:firm] , sell [ORG:firm] .
        * regulators accused [ORG:firm] of hiding {thing} .
        * a striker for [ORG:TEAM] {human_verb} .
        * [ORG:firm] ( {office} : [PER] ) {firm_verb} .
    """,
    "goods_talk": """
        the new [PRODUCT] {thing_verb} .
        my [PRODUCT] {thing_verb} .
        the [PRODUCT] from [ORG:firm] {thing_verb} .
        [ORG:firm] 's [PRODUCT] {thing_verb} .
        [ORG:firm] unveiled the [PRODUCT] {when} .
        I sold my [PRODUCT] and bought a [PRODUCT] .
        the [PRODUCT] is a {adjective} {goods} .
        the {role} paid {number} euros for a [PRODUCT] .
        [PER] drives a [PRODUCT] .
        * the battery of the [PRODUCT] lasts {number} hours .
        * has anyone tried the [PRODUCT] ? mine {thing_verb} .
        * a {goods} called [PRODUCT] {thing_verb} .
        * preorders for the [PRODUCT] start {when} .
    """,
    "events": """
        the [EVENT] {event_verb} .
        [PER] won the [EVENT] {when} .
        {number} people came to the [EVENT] {when} .
        the {role} spoke at the [EVENT] in [LOC] .
        [EVENT] {event_verb} .
        tickets for the [EVENT] cost {number} euros .
        [ORG] sponsors the [EVENT] .
        he wrote a book about the [EVENT] .
        [ORG:TEAM] withdrew from the [EVENT] .
        * during the [EVENT] the {role} {human_verb} .
        * volunteers at the [EVENT] {said} it was {adjective} .
        * {nation} {role}s boycotted the [EVENT] .
        * roofs were lost in [LOC] when [EVENT] arrived .
    """,
    "mixed": """
        {title} [PER] , {office} of [ORG] , {said} in [LOC] that {thing} was {adjective} .
        [PER] , {office} of [ORG] , {human_verb} {when} .
        [ORG] {office} [PER] {human_verb} {when} .
        [PER] joined [ORG] as {office} {when} .
        [PER] left [ORG] after {number} years .
        [ORG] of [LOC] {firm_verb} .
        the [LOC] office of [ORG:firm] {firm_verb} .
        [PER] flew from [LOC] to [LOC] to see {who} .
        {who} {said} that [ORG] had lied to [PER] about {thing} .
        [PER] played for [ORG:TEAM] before moving to [LOC] .
        [ORG:TEAM] coach [PER] {human_verb} {when} .
        [ORG:TEAM] play [ORG:TEAM] in [LOC] {when} .
        " [LOC] is not [LOC] , " {said} [PER] of [ORG] .
        [PER] showed the [PRODUCT] at the [EVENT] .
        [PER] , who lives in [LOC] , sold [ORG:firm] to [ORG:firm] .
        the {noun} in [LOC] belongs to [PER] .
        {who} works for [ORG] in [LOC] .
        [ORG:twin] , named after [LOC:twin] , {firm_verb} .
        [LOC:twin] , named after [PER:twin] , {town_verb} .
        [PER:twin] has never been to [LOC:twin] .
        {human_noun} of [PER:twin] came to [LOC:twin] for the [EVENT] .
        * {who} will speak in [LOC] {when} , [ORG] announced .
        * critics of [ORG] , among them [PER] , {said} {thing} was {adjective} .
        * [PER] founded [ORG:firm] in [LOC] with {number} euros .
        * [PER] ( [LOC] ) defeated [PER] ( [LOC] ) 6 - 4 , 7 - 5 .
        * according to [ORG] , {thing} from [LOC] is {adjective} .
        * between [LOC] and the {noun} , [PER] {human_verb} .
        * the [PRODUCT] was built in [LOC] by [ORG:firm] .
        * [PER] beat [PER] at the [EVENT] in [LOC] .
        * on behalf of [ORG] , {who} thanked [LOC] .
    """,
    "human_noun": "<friends|fans|the widow|the parents|pupils>",
    # Two entities of one type side by side, nothing between them.
    "adjacent": """
        2 [PER:first] told [PER:first] [PER:FULL] {human_verb} .
        when [PER] left [ORG:firm] [ORG:firm] {firm_verb} .
        in [LOC:city] [LOC:place] is hardly known .
        line-up : [PER:FULL] [PER:FULL] [PER:FULL]
        stops : [LOC:city] [LOC:city] [LOC:place]
        to [PER:first] [PER:FULL] was always a {role} .
        * if you ask [ORG:firm] [ORG:firm] {firm_verb} .
        * scorers : [PER:last] [PER:last] 2 [PER:last]
        * from [LOC:city] [LOC:place] looks {adjective} .
    """,
    "listing": """
        [ORG:TEAM] {score} [ORG:TEAM] {score}
        {score} . [PER:FULL] ( [LOC:country] ) {score} points
        [LOC:city] {year}-0<1|2|6>-1<0|4|9>
        [ORG:TEAM] at [ORG:TEAM] , [LOC] , 7.30 p.m.
        [PER:FULL] , [ORG] : {adjective} {noun}
        speakers : [PER] ( [ORG] ) , [PER] ( [ORG] ) and [PER] ( [LOC] )
        * [EVENT] , [LOC] , day {score} : [PER:FULL] , [PER:FULL]
        * weather : [LOC:city] {score} , [LOC:city] {score} , [LOC:city] {score}
    """,
    "score": "<0|1|2|3|4|5|11|23>",
    # The type follows from the neighbours in the coordination, or from a word far away.
    "coordination": """
        [PER:twin] and [PER:FULL] {human_verb} .
        [LOC:twin] , [LOC:country] and [LOC:region] signed the treaty .
        of all {noun}s , the {role} liked the one in [LOC:twin] best .
        [ORG:twin] , a maker of {goods}s , {firm_verb} .
        [PER:twin] , a {role} by training , {human_verb} .
        [LOC:twin] , a village of {number} people , {town_verb} .
        the [PRODUCT:twin] , a {adjective} {goods} , {thing_verb} .
        I met [PER:twin] {when} ; she {human_verb} .
        I saw [LOC:twin] {when} ; it {town_verb} .
        * neither [ORG:twin] nor its {office} would comment .
        * neither [PER:twin] nor his {role} would comment .
        * [LOC:twin] was fun , but the beach is {adjective} .
        * [PER:twin] was fun , but her {role} is {adjective} .
    """,
    # Nobody can know: these keep the best tagger below 100.
    "either_way": """
        <[PER:twin]|[LOC:twin]|[ORG:twin]> was in the news again {when} .
        everyone talks about <[PER:twin]|[LOC:twin]|[PRODUCT:twin]> these days .
        <[PER:twin]|[LOC:twin]|[ORG:twin]> came first .
        what do you think of <[PER:twin]|[LOC:twin]|[ORG:twin]> ?
    """,
}

RULES = NAMES | SENTENCES
