"""How Chinese sentences of the sample corpus are built; the marks are explained in `grammar`."""

from __future__ import annotations

NAMES = {
    "PER": """
        14 {known_person}
        9 {fullname}
        1 {twins}
        1 {foreign}
        1 <老|小>{surname}
        {foreign}·{foreign}
        * 阿{given_one}
    """,
    "fullname": "3 {surname}{given_two}\n3 {surname}{given_one}\n{surname}{given_one}{given_one}",
    "LOC": """
        18 {place}
        {place}{street_end}
        {fullname}{street_end}
        {place_head}{place_tail}<县|镇|村|乡|区>
        {city}市{place_head}{place_tail}区
        {place_head}{place_tail}<山|河|湖|岛|古城>
        * {place_head}{place_tail}自治州
        * {city}<东|西|南|北><路|站|门>
        * {surname}家<村|庄|沟|湾>
    """,
    "place": """
        5 {known_town}
        6 {city}
        2 {province}
        3 {country}
        3 {world_city}
        3 {twins}
        2 {place_head}{place_tail}
    """,
    "town": "5 {known_town}\n4 {city}\n2 {world_city}\n2 {twins}\n1 {place_head}{place_tail}",
    "PROVINCE": "{province}省",
    "COUNTY": "{place_head}{place_tail}<县|市>\n{twins}<县|市|区>\n{city}市",
    "ORG": """
        14 {known_org}
        4 {firm}
        2 {town}{institution}
        {province}<省|>{institution}
        {ministry}<部|局|委员会>
        {country}{industry}协会
        {initials}
        {town}{team_end}
        {country}{ministry}部
        {fullname}基金会
        * {place}<外国语|科技|农业>大学<附属医院|出版社|>
    """,
    "firm": """
        12 {known_firm}
        2 {firm_head}{firm_tail}
        {firm_head}{firm_tail}{industry}
        {firm_head}{firm_tail}{company_end}
        {town}{industry}{company_end}
        2 {word_firm}
        {word_firm}{industry}
        {twins}
        {surname}记<面馆|酱菜|餐厅|布店>
        * {town}{firm_head}{firm_tail}{industry}{company_end}
        * {fullname}{industry}<工作室|公司>
        {firm_head}{firm_tail}（{country}）{company_end}
    """,
    "TEAM": "6 {town}\n3 {town}{team_end}\n2 {country}\n{word_firm}",
    "PRODUCT": """
        9 {known_product}
        2 {pet}
        2 {pet}{model}
        {firm_head}{firm_tail}{model}
        {word_firm}{model}
        {twins}{model}
        * {word_firm}{pet}{model}
        * {pet}{goods}
    """,
    "EVENT": """
        8 {known_event}
        3 {town}{contest}
        {country}{contest}
        {year}年{town}{contest}
        第{ordinal}届{town}{contest}
        {twins}{contest}
        {place}<保卫战|会战|条约|大火>
        * 台风“{pet}”
        * {word_firm}杯{contest}
    """,
    "year": "<190|196|198|200|201><1|3|4|7|8>",
    "ordinal": "<三|五|九|十二|二十一|三十三>",
    "number": "<两|三|七|十二|40|350|1200|一百八十>",
    "when": "<昨天|去年|上周|今天上午|周三|五月|前天|{year}年|近日|日前|本月>\n* <大前天|三年前|春节后|凌晨三点>",
    "who": "一位{role}\n那位{role}\n[PER]{title}\n{role}[PER]\n2 [PER]",
    "twin": "5 {twins}\n1 {place_head}{place_tail}",
    "say": "{said}，\n{said}：",
    "thing": "{noun}\n这个{noun}\n新的{noun}\n{number}个{noun}",
}

SENTENCES = {
    "sentence": """
        17 {plain}
        7 {people}
        6 {towns}
        7 {firms}
        3 {goods_talk}
        3 {events}
        7 {mixed}
        2 {adjacent}
        2 {listing}
        2 {coordination}
        1 {either_way}
    """,
    # No entity at all, though some of it looks like one.
    "plain": """
        {thing}{adjective}，{noun}也{adjective}。
        {role}们{when}讨论了{noun}和{noun}。
        没有人提起{thing}。
        {role}会同意吗？
        希望{noun}不要{adjective}。
        大地震动，{noun}倒了一半。
        团结就是力量，{role}{said}。
        一位{role}{when}{human_verb}。
        “不过是{noun}罢了，”{role}{said}。
        这款{goods}{thing_verb}。
        {number}台{goods}{when}卖掉了。
        学校和医院都同意{thing}。
        河边的小镇{town_verb}。
        公司{firm_verb}。
        {office}是个{role}，{when}{human_verb}。
        春雨过后，{noun}{adjective}。
        我家祝大家平安康乐。
        祝您一路平安，万事和顺。
        向阳的房间{adjective}。
        高平台上放着一台{goods}。
        {noun}的{noun}{adjective}，谁都知道。
        * 大赛{event_verb}。
        * 明日的{noun}会更好吗？
        * 对方正在修改{noun}。
        * 太平盛世里，{noun}{adjective}。
        * 当地{role}{said}，村子{town_verb}。
        * 竞争对手{firm_verb}。
    """,
    "people": """
        2 [PER]{human_verb}。
        [PER]{title}{when}{human_verb}。
        {role}[PER]{when}{human_verb}。
        [PER]是一位{role}，他{said}{thing}{adjective}。
        “我们要保住{noun}，”[PER]{said}。
        [PER]{say}{thing}{adjective}。
        她{when}嫁给了[PER]。
        我弟弟[PER]想当{role}。
        [PER]的母亲是[LOC]来的{role}。
        那位{role}叫[PER]，不叫[PER]。
        没有人把{noun}的事告诉[PER]。
        [PER]，{number}岁，{when}在[LOC]{human_verb}。
        [PER]和[PER]{when}结婚了。
        亲爱的[PER]，谢谢你的{noun}。
        据[ORG]的[PER]介绍，{thing}{adjective}。
        * [PER]出生于[LOC]，当过{role}。
        * 作为{role}，[PER]从没见过{thing}。
        * 把{noun}交给[PER]，我放心。
        * 这本{noun}的作者[PER]{human_verb}。
        * [PER]（{role}）{when}{human_verb}。
    """,
    "towns": """
        2 [LOC]{town_verb}。
        从[LOC]到[LOC]的公路{when}封闭了。
        {when}[LOC]下了雨。
        我们开车经过[LOC]，在[LOC]停了一会儿。
        [LOC:town]在[LOC:country]南部，{town_verb}。
        {role}住在[LOC]附近。
        [LOC]的{noun}{adjective}。
        来自[LOC]的{role}{when}到了。
        她生在[LOC]，死在[LOC]。
        飞往[LOC]、[LOC]和[LOC]的航班{when}延误。
        本报[LOC]{when}电，{thing}{adjective}。
        [LOC]人爱吃辣，{noun}里也放辣椒。
        * [LOC]以北，{noun}{adjective}。
        * 去[LOC]旅游，别忘了看看{noun}。
        * 这趟列车停靠[LOC]、[LOC]。
        * 河水流过[LOC]，汇入大海。
        * 老家在[LOC]，那里{town_verb}。
    """,
    "firms": """
        2 [ORG:firm]{firm_verb}。
        2 [ORG]{when}{firm_verb}。
        [ORG:firm]的股票{when}下跌百分之{number}。
        生产{goods}的[ORG:firm]{firm_verb}。
        [ORG]的{office}{human_verb}。
        [ORG:firm]以{number}亿元收购了[ORG:firm]。
        [ORG]一位{role}{said}，{thing}{adjective}。
        [ORG:firm]和[ORG:firm]{firm_verb}。
        [ORG:TEAM]{when}以3比1战胜[ORG:TEAM]。
        [ORG:TEAM]从[ORG:TEAM]签下一名{role}。
        [ORG:TEAM]下半场连进两球。
        {role}{when}从[ORG:TEAM]转会到[ORG:TEAM]。
        [ORG]发表了关于{noun}的报告。
        她在[ORG]学{ministry}。
        [ORG:firm]的{number}名员工{when}罢工。
        * [ORG:TEAM]积{number}分，排名榜首。
        * [ORG:TEAM]{when}降级了。
        * 分析师预计[ORG:firm]会下调业绩目标。
        * 客场作战的[ORG:TEAM]先丢一球。
        * 有人举报[ORG:firm]隐瞒{thing}。
    """,
    "goods_talk": """
        新款[PRODUCT]{thing_verb}。
        我的[PRODUCT]{thing_verb}。
        [ORG:firm]的[PRODUCT]{thing_verb}。
        [ORG:firm]{when}推出了[PRODUCT]。
        我卖了[PRODUCT]，买了一台[PRODUCT]。
        [PRODUCT]是一款{goods}，{thing_verb}。
        {role}花{number}元买了[PRODUCT]。
        [PER]开着一辆[PRODUCT]。
        * [PRODUCT]的电池能用{number}小时。
        * 有人用过[PRODUCT]吗？我的{thing_verb}。
        * 这台叫[PRODUCT]的{goods}{thing_verb}。
    """,
    "events": """
        [EVENT]{event_verb}。
        [PER]{when}获得[EVENT]冠军。
        {number}万人{when}参加了[EVENT]。
        {role}在[LOC]举行的[EVENT]上发言。
        [EVENT]的门票要{number}元。
        [ORG]赞助了[EVENT]。
        他写了一本关于[EVENT]的书。
        [ORG:TEAM]退出了[EVENT]。
        * [EVENT]期间，{role}{human_verb}。
        * [EVENT]的志愿者{said}，场面{adjective}。
        * 受[EVENT]影响，[LOC]{town_verb}。
    """,
    "mixed": """
        [ORG]{office}[PER]{when}在[LOC]{said}，{thing}{adjective}。
        [PER]是[ORG]的{office}，{when}{human_verb}。
        [ORG]{office}[PER]{human_verb}。
        [PER]{when}加入[ORG]，任{office}。
        [PER]在[ORG]工作{number}年后离开。
        位于[LOC]的[ORG]{firm_verb}。
        [ORG:firm][LOC:town]分公司{firm_verb}。
        [PER]从[LOC]飞到[LOC]去见{who}。
        {who}{said}，[ORG]在{noun}的事上骗了[PER]。
        [PER]效力过[ORG:TEAM]，后来搬到了[LOC]。
        [ORG:TEAM]主教练[PER]{when}{human_verb}。
        [ORG:TEAM]{when}在[LOC]迎战[ORG:TEAM]。
        “[LOC]不是[LOC]，”[ORG]的[PER]{said}。
        [PER]在[EVENT]上展示了[PRODUCT]。
        住在[LOC]的[PER]把[ORG:firm]卖给了[ORG:firm]。
        [LOC]的{noun}归[PER]所有。
        {who}在[LOC]的[ORG]上班。
        [ORG:twin]得名于[LOC:twin]，{when}{firm_verb}。
        [LOC:twin]因[PER:twin]而得名，{town_verb}。
        [PER:twin]从没去过[LOC:twin]。
        * {when}，[ORG]宣布{who}将访问[LOC]。
        * 批评[ORG]的人里有[PER]，他{said}{thing}{adjective}。
        * [PER]在[LOC]创办了[ORG:firm]。
        * [ORG]数据显示，[LOC]的{noun}{adjective}。
        * [PRODUCT]由[ORG:firm]在[LOC]生产。
        * 代表[ORG]前往[LOC]的是[PER]。
    """,
    # Two entities of one type side by side, nothing between them.
    "adjacent": """
        2 [LOC:PROVINCE][LOC:COUNTY]{town_verb}。
        [PER:fullname]是[LOC:PROVINCE][LOC:COUNTY]人。
        首发名单：[PER:fullname][PER:fullname][PER:fullname]
        在[LOC:PROVINCE][LOC:COUNTY][LOC:place]，{noun}{adjective}。
        [LOC:town][LOC:town]两地的{role}{when}见面。
        告诉[PER:fullname][PER:fullname]{human_verb}。
        * [ORG:TEAM][ORG:TEAM]之战{event_verb}。
        * [PER:fullname][PER:fullname]夫妇{when}搬走了。
    """,
    "listing": """
        [ORG:TEAM] {score}:{score} [ORG:TEAM]
        {score}、[PER:fullname]（[LOC:country]）{score}分
        [LOC:town]，{year}年{score}月
        [PER]，[ORG]：《{noun}》
        嘉宾：[PER]（[ORG]）、[PER]（[ORG]）、[PER]（[LOC]）
        * 天气：[LOC:city]{score}度，[LOC:city]{score}度，[LOC:city]{score}度
        * [EVENT]第{score}日：[PER:fullname]、[PER:fullname]
    """,
    "score": "<1|2|3|4|5|6|9|11>",
    # The type follows from the neighbours in the coordination, or from a word far away.
    "coordination": """
        [PER:twin]和[PER:fullname]{human_verb}。
        [LOC:twin]、[LOC:city]和[LOC:province]签署了协议。
        那么多{noun}里，{role}最喜欢[LOC:twin]的。
        [ORG:twin]是一家{goods}厂商，{firm_verb}。
        [PER:twin]原是{role}，{when}{human_verb}。
        [LOC:twin]是个只有{number}户人家的村子，{town_verb}。
        [PRODUCT:twin]是新出的{goods}，{thing_verb}。
        {when}见到了[PER:twin]，他{human_verb}。
        {when}到过[LOC:twin]，那里{town_verb}。
        * [ORG:twin]及其{office}都不愿置评。
        * [PER:twin]及其家人都不愿置评。
        * [LOC:twin]不错，就是{noun}{adjective}。
    """,
    # Nobody can know: these keep the best tagger below 100.
    "either_way": """
        {when}<[PER:twin]|[LOC:twin]|[ORG:twin]>又上了新闻。
        最近大家都在谈论<[PER:twin]|[LOC:twin]|[PRODUCT:twin]>。
        <[PER:twin]|[LOC:twin]|[ORG:twin]>得了第一名。
        你觉得<[PER:twin]|[LOC:twin]|[ORG:twin]>怎么样？
    """,
}

RULES = NAMES | SENTENCES
