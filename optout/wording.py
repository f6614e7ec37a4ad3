"""The words by which people refuse, in Chinese and English, each with its part in a sentence. Pure data.

A part is one character; `optout.sentences` reads a reply as a string of them. The longest phrase counts, so a word that
means something else in a phrase ("bus stop", 打车) stands here as that phrase. Chinese is simplified, English lower-case
without apostrophes; words of an English phrase are joined by `_`.
"""

from __future__ import annotations

import re
from typing import Any

from optout.spelling import corrections

_WORD = re.compile(r"[a-z]+|[0-9]+|[^\s']")


def words_of(plain: str) -> list[str]:
    """English words, numbers, and single characters of everything else; apostrophes are left out."""
    return _WORD.findall(plain)


def spelt(words: list[str]) -> list[str]:
    """The words, with the misspelt ones of a demand as they should be."""
    if _CORRECTIONS.keys().isdisjoint(words):
        return words
    return [_CORRECTIONS.get(word, word) for word in words]


PARTS = {
    # Unsubscribe: a refusal by itself.
    "u": """
        退订 拒收 取消订阅 拒绝接收 退阅 拒绝再收 取订 退出订阅 关闭推送 停止订阅 退订短信 不再订阅 终止订阅
        解除订阅 取消关注短信 取消发送 把我号拉黑 退掉短信 全退订 全部退订 取消接收 取消接收短信 拒收名单 取消推送
        退订掉 退订服务 退订功能 永久免打扰 设置免打扰 设为免打扰 设免打扰 加入免打扰 开通免打扰 退出群发 踢出群发
        不再接收 跳过我 拖进你们的黑名单 把我退出 将我退出 退出名单 退出列表 退出系统 订阅断了 短信断了 短信给断了
        unsubscribe opt_out opt_me_out opting_out optout take_me_off_your_list unenroll un_subscribe unregister
        cease_and_desist unsub_me unsub_from unsubscribe_me un_sub_me optout_me opt_me_out_of opt_out_of
        no_longer_consent do_not_consent dont_consent no_longer_agree_to dont_have_my_consent do_not_have_my_consent
        dont_have_consent consent_revoked consent_is_revoked consent_is_withdrawn consent_withdrawn
        permission_revoked opt_this_number_out opt_my_number_out opt_this_phone_out end_these_messages
        end_these_texts end_texts end_messages end_subscription end_my_subscription end_the_texts end_the_messages
        end_all_messages end_all_texts no_more_of_these no_more_of_this lose_my_number lose_this_number
        forget_my_number forget_this_number lose_our_number opt_myself_out opt_out_my opt_my_phone_out deregister
        disenroll removal_from discontinue_all lose_this_no opt_us_out bin_my_number bin_this_number delist
        delete_me remove_me scrub_me erase_me tuiding_le activate_dnd_on put_me_on_dnd let_this_be_the_last
        get_rid_of_my_number get_rid_of_this_number dispose_of_my_number dump_my_number ditch_my_number
        scrap_my_number scratch_my_number rm_my_no rm_my_hp_no rm_my_hp rm_my_number rm_me rm_my_num blacklist_me
        block_me block_me_on blacklist_my_number block_my_number bar_my_number blacklist_this_number
        block_this_number_from count_me_out_of count_us_out_of yeet_my_number yeet_me dnd_activate activate_dnd
        start_dnd be_left_off left_off_all_lists be_taken_off get_taken_off get_me_taken_off
    """,
    # Unsubscribe, misspelt: a refusal only with what goes with it.
    "U": """
        退定 推订 退钉 推定 退订吗 退订了吗 拒收吗 取消订阅吗 退订嘛 退订么
        unsub unsubcribe unsubscibe unsuscribe unsubsribe unsubscrib unsubscirbe unsubsrcibe unsubcsribe
        unscubscribe unsbscribe unsubscrbe unsuscribed unsubscride unsubcribed unsubscribd disinscribe disinscribed
        desubscribe desubscribed unsubscibing unscribe dissubscribe sign_me_off signed_off unsubscribed opted_out
        optedout unsubbed unsubed unsubscribing
    """,
    # No more.
    "R": """
        不再有
        no_further no_additional no_more
    """,
    # Refuses: what is refused follows.
    "r": """
        不接受 拒绝 谢绝 拒接 抵制 坚决拒绝 拒不 回绝 拒 反对
        refuse reject decline object_to i_refuse
    """,
    # Stop: what must end follows.
    "t": """
        停止 停 终止 中止 中断 停掉 停下 停了 取消给我 取消向我 取消对我 停止向 停一下 停一停 中断掉 打住 消停
        消停点 停掉吧 停晒 停咗 停吧 停了吧 掐 掐了 掐断 叫停 截停 停止再 停手 切断 停发 关停 给我断了 断了吧 给断了
        断掉
        stop stopp quit cease desist discontinue halt cut_out stop_with put_an_end_to put_a_stop_to stahp stp
        give_up abstain_from if_you_stopped if_you_would_stop if_you_could_stop if_you_stop stop_it_with
        stop_all_this stopping end_all end_all_of end_any refrain_from lay_off_with pack_it_in pack_it_in_with
        pack_in knock_it_off knock_it_off_with knock_it_off_with_the enough_already_with ceasing halting end_to
        no_dey_again stop_am let_up_on put_an_end put_a_stop bring_an_end_to bring_to_an_end make_it_stop
        make_them_stop make_this_stop make_these_stop rather_you_stopped rather_you_stop give_it_a_rest
        give_it_a_rest_with cut_it_out cut_it_out_with finish_it_with lay_off
    """,
    # Cancel: a refusal only with messages as its object.
    "k": """
        取消 关闭 关掉 解除 关了 取消掉 注销 暂停 退 退下 退掉 退了吧 全退 全退了 退一下 退退 关了吧 关掉吧 关一下
        结束 取缔 退出
        cancel deactivate disable turn_off switch_off shut_off terminate suspend
    """,
    # No.
    "K": """
        无
        no
    """,
    # Do not (Chinese): what must not be done follows.
    "n": """
        别 不要 勿 莫 甭 不可 不可以 不能 唔好 唔要 咪 毋 不让 能不能不 可以不 可不可以不 可否不 能不能别 可以别
        不可以再 别老 别总 别一直 少来 用不着 犯不着 别想 请误 休再 误再 嫑 覅 麦搁 麦阁 白再 请别 请不要 都别 也别
        千万别 千万不要 勿要 莫要 别特么 别他妈 别tm 别他娘的 要求不要 希望不要 希望别 建议别 憋再 表再 不再
        you_need_to_not not_allowed_to_be nobody_should make_una_no make_you_no no_dey nor_dey no_go
        rather_you_didnt rather_you_did_not prefer_you_didnt prefer_you_did_not prefer_if_you_didnt wish_you_wouldnt
        wish_you_would_not rather_you_dont prefer_if_you_dont
    """,
    # Must not: addressed to the other side, and said to nobody else.
    "M": """
        不许 不准 不得 禁止 严禁 切勿 请勿 敬请勿 望勿 唔准 不得再 休得 休要 休想 无权 无权再 没有权利 没权利 没资格
        不允许 不可再 勿再 少给我 谁也别 谁都别 都别给我 毋再 不让你们 永不 永不再
        not_allowed_to are_not_allowed_to arent_allowed_to have_no_right_to no_right_to not_authorized_to
        not_authorised_to no_longer_authorised_to no_longer_authorized_to no_longer_allowed_to
        no_longer_permitted_to not_permitted_to you_may_not you_cannot you_cant you_must_not you_should_not
        you_shouldnt dont_you_dare dont_u_dare dont_you_ever dont_u_ever do_not_have_my_permission_to
        dont_have_my_permission_to have_no_business do_not_have_permission_to dont_have_permission_to
        do_not_have_my_consent_to dont_have_my_consent_to have_no_permission_to have_no_authority_to
        under_no_circumstances strictly_prohibited_from prohibited_from forbidden_to forbid_you_to forbid_you
    """,
    # Do not (English).
    "N": """
        dont do_not please_not must_not should_not shouldnt mustnt cant_you_not can_you_not could_you_not
        would_you_not dnt don_t better_not dun dunt do_n_t ought_not never please_never donot do_nt not_to
        dont_even_think_about dont_ever do_not_ever dont_you dont_u
    """,
    # Bare negation: tells, and asks only behind a request.
    "-": """
        不 没 未曾 冇 唔 不是要 不是想 并不是要 并非要 并不是想
    """,
    # English "not" by itself.
    "1": """
        not aint
    """,
    # Does not want: what is not wanted follows.
    "w": """
        不想 不想要 不愿 不愿意 不希望 唔想 不乐意 不同意 不欢迎 不收到 不再接受 不要收 不接 不愿接 不愿收到
        不希望收到 不要收到 不想再收到 不想再接到 不想再接收 不想接收 唔接受 冇兴趣收
        dont_want do_not_want dont_wish do_not_wish no_longer_wish no_longer_want no_longer_care dont_care_to
        do_not_care_to never_want never_wanted not_want not_wish not_interested_in would_rather_not dont_like
        do_not_like would_not_like wouldnt_like would_like_not prefer_not want_no need_no did_not_consent
        never_consented no_longer_interested_in no_longer_interested didnt_ask_for did_not_ask_for never_asked_for
        dun_want dun_wan dont_wan dont_agree do_not_agree never_agreed no_desire_to no_interest_in dont_desire
        do_not_desire do_not_give_you_permission do_not_have_permission no_longer_have_permission no_permission
        have_no_permission dont_want_to do_not_want_to dont_wanna do_not_wanna no_longer_want_to dont_wish_to
        do_not_wish_to no_longer_wish_to dont_want_to_be_getting dw dont_need_any do_not_need_any prefer_never_to
        prefer_never rather_never rather_not dont_wana dun_wana dont_wnt dnt_want dnt_wanna dnt_wan dont_care_for
        no_longer_require do_not_require dont_require no_longer_wants have_no_need_for have_no_interest_in
        not_keen_on dont_care_about_your do_not_care_about_your do_not_accept dont_accept does_not_accept
        doesnt_accept will_not_accept wont_accept not_accepting
    """,
    # Does not receive: a refusal only of messages and calls.
    "2": """
        不看 不想看 不想看到 不愿看到 不想看见 不愿看见 不想再看见 不想再看到 不想听
        不想收 不愿收 不收 唔收 唔想收 不再收 不收了 不想接 不接收 拒不接收 恕不接收 恕不接受 概不接收 一概不接收
        概不接受 一律不接 一律不收
        no_longer_get no_longer_receive no_longer_have not_welcome is_not_welcome are_not_welcome are_unwanted
        is_unwanted
    """,
    # Has no need: like "does not want", but never of what follows alone.
    "W": """
        不需要 不需 不用 不必 无需 无须 毋须 没必要 没有必要 唔需要 唔使
        no_longer_need dont_need do_not_need no_need_to there_is_no_need_to need_not no_reason_to
    """,
    # To withdraw consent.
    "V": """
        撤回 撤销 收回
        revoke withdraw rescind i_revoke revoking withdrawing
    """,
    # A list of those who refused.
    "B": """
        加入黑名单 列入黑名单 拉入黑名单 加黑名单 免打扰名单 谢绝名单 免扰名单 免骚扰名单 拒收名单里 黑名单里
        拒接名单 谢绝来电名单 勿扰名单 永远打不出来的名单 不打扰名单 黑名单
        do_not_call_list dnc dnc_list do_not_contact_list no_call_list do_not_text_list do_not_call_registry
        dnc_registry do_not_disturb_list dnd_list suppression_list opt_out_list blocklist block_list blacklist
        no_contact_list do_not_contact_register suppression_file suppression
    """,
    # To delete.
    "d": """
        删除 删掉 移出 清除 删 剔除 拿掉 划掉 移走 剔 删了 踢出 销毁 踢了 清掉 清理掉 清理 清空 抹去 去除掉 拿走
        踢掉 剔掉 清走 去掉吧 摘出去 摘出来 摘掉 摘除 摘了 拉出 拉出去 拉出来 拖出 划拉掉 划了 铲走 铲除 铲咗 除去
        拿出 拿出去 剔出 撤出 撤出去 抹了 抹除 去除 除掉 删干净 删了吧 删一下 删咗 删走 拿咗 踢出去 移去 移出去 清出
        清除掉 注销掉 销毁掉 屏蔽掉 撤下来 撤下 剔走 撤了 撤走 撤掉 抹掉 消掉 销掉 拿下来 拿下 过滤掉 过滤 删光 移除
        除名 去掉
        remove removed removing delete deleted deleting erase scrub wipe purge scratch erased erasing scrubbed wiped
        excluded comot commot rmv rmve dlt suppress suppressing suppressed expunge exclude excluding omit unlist
        removal erasure deletion yeet
    """,
    # To take, from a list or from anything.
    "D": """
        移 踢 列入 加入 放入 放进 拉入 纳入 划入 列进 拉进 加进
        lose take put add drop cross leave_off keep_off pull strike taken get_taken clear eliminate get bin pull_out
        strip strip_out dump ditch yank free_up rid get_rid_of getting_rid_of turn left
    """,
    # To contact: needs no object.
    "c": """
        发短信 发信息 发消息 发短消息 发广告 发简讯 发讯息 发垃圾短信 发骚扰 发垃圾信息 发通知 发彩信 发短讯 发简信
        发推销 发催收 发营销 发这种 发这些 发这类 发此类 打电话 打骚扰电话 来电话 来短信 打手机 拨打电话 拨电话
        打座机 通电话 骚扰 打扰 致电 轰炸 呼叫 纠缠 搔扰 骚然 催收 催债 催款 催促 推销 营销 给我打 跟我联系 与我联系
        发送 传送 传短信 传简讯 寄短信 打电 电话骚扰 短信骚扰 滋扰 拨号 致函 扰 轰炸我 爆通讯录 给我推荐 推荐给我
        来短信骚扰 发信 发个短信 短信营销 打电话营销 发贷款 发推广 发链接短信 发优惠 发活动 通知我 找我推销 发送短信
        发送信息 发送消息 发送广告 发短信息 发送任何 来打扰 来骚扰 来推销 打骚扰 打推销 打营销 接通 来电 续发 外呼
        自动外呼 骚扰电话 叨扰 叨搅 打搅 揾 揾我 电联 联络 联系 被行销 打扰到 扰我 打俺电话 来信 来函 来讯 打俺
        打老子 找我 联系本机 拨打 摇我 呼我 吵我 群发 群发给 摇人 送短信 私我 私信我 私信 私聊 写信 响 送信息 送讯息
        text texting txt txting txtin call calling contact contacting message messaging msg msging sms smsing spam
        spamming email emailing e_mail harass harassing phone phoning ring ringing solicit reach_out reaching_out
        bombard bombarding blow_up_my_phone blowing_up_my_phone get_in_touch robocall robocalling telemarket
        telemarketing pinging ping fone cal mesage mesaging contacted call_or_text text_or_call communicate
        communicating textng txtng texing tezting callng caling messging contating bothered disturbed harassed
        spammed solicited send_texts send_messages send_text send_message send_sms hitting_up blasting blast
        blowing_up blow_up dialing dial dialling sending_texts sending_messages ringing_up ring_up cold_call
        cold_calling trolling stalking stalk reaching call_the_number text_the_number contact_the_number
        call_a_person writing_me writing_to_me whatsapp whatsapping wassap dm dming textin ringin callin messagin
        spammin msgn msgin txtn texin follow_up_with following_up_with hit_my_phone hit_my_line chase chasing
        use_my_number using_my_number use_this_number using_this_number write_here write_to_us hitting_me_up
        hit_me_up
    """,
    # To send: its object is messages, or left out.
    "v": """
        发 打 传 寄 拨 发来 发过来 发给 打给 打来 打过来 打嚟 打过嚟 推 塞 弹 甩 扔 投 丢 推给 推过来 传来 传过来
        寄来 寄送 发送给 转发给 发嚟 发畀 发俾 传俾 传畀 传给 打俾 打畀 打多 发多 推荐
        send sending snd sent mail forward forwarding deliver delivering give_out push_out shoot pass_on sendin
        sendign sends sent_to send_over resend resending
    """,
    # To receive messages.
    "i": """
        收到 接收 接到 收取 听到 收看 再收到 收得到 被骚扰 被打扰 收这些 收这种 收到这种 收到这些 收短信 收广告
        收信息 收消息 收你们 接电话 接你们 接这种 接推销 收到这个 接到这个
        receive receiving be_receiving recieve recieving hear_from_you hearing_from_you get_texts get_messages
        get_calls get_these getting_these getting_texts getting_messages getting_calls get_any get_any_more
        getting_any receive_any hear_another_word get_sms get_your_sms getting_sms getting_spammed getting_spam
        getting_your getting_spam_from get_your_messages get_your_texts get_spam be_contacted being_contacted
        be_called being_called be_texted being_texted be_messaged being_messaged be_disturbed being_disturbed
        be_bothered being_bothered be_harassed being_harassed be_spammed be_marketed_to be_solicited be_phoned
        be_rung be_approached get_calls_from get_texts_from get_contacted get_called see_these see_your receive_sms
        get_sms_from see_your_name hear_a_word see_another hear_from hearing_from hear_anything_from hear_about
    """,
    # To annoy: a refusal only where it goes on.
    "e": """
        烦 吵 缠 惹 来 烦扰 来找我 缠着 盯着 跟着 来烦 催我 催 揾我哋 出现在
        bother bothering bug bugging annoy disturb disturbing pester hassle hassling hound hounding irritate kacau
        disturb_disturb pestering worry_me worrying_me dey_disturb
    """,
    # To get, see or be anything.
    "I": """
        看到 看见 接受 接听 接 收 见到 被
        getting hear see be having read reading be_part_of be_a_part_of be_included_in be_included be_in be_getting
        be_having
    """,
    # Messages.
    "o": """
        短信 信息 电话 消息 广告 简讯 讯息 短讯 推广 促销 垃圾 短消息 垃圾短信 骚扰短信 营销短信 广告短信 推销电话
        催收短信 催收电话 通知 提醒 邮件 推文 短信通知 宣传 打来的电话 促销信息 催款短信 破短信 短信息 电邮 商业短信
        贷款短信 催缴 催收信息 短信提醒 嘢 促销短信 推广短信 推广信息 推销信息 营销信息 贷款信息 贷款广告 垃圾广告
        催收通知 商业广告 短信和电话 话费 信儿 垃圾消息 群发短信 群发消息 邮箱 语音电话 机器人电话 ai电话 订阅
        短信订阅 订阅服务 短信服务 短信业务 短信功能 推送服务 电话回访 回访 营销活动 催收行为 电话和短信 短信电话
        推送 短信推送 消息推送 电话推销 垃圾推送 骚扰信 贷款推销 骚扰电话和短信 网址 二维码 语音 催款信息 催款电话
        小广告 广告信息 行销 行销简讯 行销讯息 简讯广告 广告短讯 推销短讯 sms短信 小额贷 骚扰信息 推广短讯 优惠短讯
        优惠短信 催收函 外呼电话 语音外呼 语音机器人 智能外呼 贷款电话 广告电话 营销电话 商业信息 商业性信息
        商业性短信息 商业性短信 商业广告信息 金融广告 彩信 短信轰炸 信息轰炸 电话轰炸 垃圾短讯 骚扰简讯 诈骗短信
        诈骗简讯 短息 断信 短讯息
        messages msgs msges texts text_message text_messages txts txt_messages calls phone_call phone_calls emails
        e_mails notification notifications ads advert adverts advertisement advertisements advertising promo
        promotion promotions promotional marketing alert alerts solicitation solicitations offers communications
        communication updates newsletter newsletters junk robocalls mails reminders text_alerts subscription
        subscriptions crap garbage nonsense correspondence sms_alerts messaging_service mesages mssgs notices
        robo_calls texts_and_calls calls_and_texts text_msgs text_alert sms_text junk_texts spam_texts
        marketing_texts spam_calls sms_spam txt_msgs harassment anything_else voicemails voicemail voice_messages
        solicitation_calls text_spam sms_messages promos promo_sms promotional_sms rubbish spam_sms promo_messages
        loan_sms loan_messages loan_texts robotexts robotext drivel nonsense_messages pestering_texts bulk_sms pitch
        pitches sales_pitch sales_calls cold_calls spams campaign campaigns mailing mailer mailers blasts
        text_blasts propaganda commercials commercial_messages pop_ups push_notifications telemarketers telemarketer
        soliciting texts_messages msgs_and_calls messages_and_calls chasers chaser nuisance_calls debt_calls
        collection_calls collection_texts mkt_msgs publicity advertisings publicities duanxin sms_mehr mesej mensaje
    """,
    # Off, from.
    "O": """
        从 出
        off from out out_of off_of outta out_the outa
    """,
    # The writer's number.
    "H": """
        这个号码 此号码 该号码 这号 此号 我号码 我的号码 本号码 我电话 我的电话 我的手机 我手机号 我的手机号
        我的电话号码 本机号码 本机号 我的信息 我的资料 我的联系方式 我的名字 我号 我的号 俺的号码 我这个号码
        我这号码 本人号码 本人手机号 本人手机号码 本人的手机号 我名字 我的姓名 我姓名 我信息 我资料 我个人信息
        我的个人信息 我的联系电话 我的手机号码 我的门号 我门号 本门号 这门号 这个门号 此门号 俺号 俺号码 俺号儿
        俺的手机号 我号儿 老子号码 老子的号码 老子手机 老子的手机 老娘的号码 我这个号 我这号 这个号 本号 此电话
        该手机号 此手机号 我的个资 我个资 我哋电话 我嘅电话 我嘅号码 我嘅电话号码 我电话号码 我手机号码 他的号码
        她的号码 这个号的 奶奶的手机 奶奶手机 奶奶的号 奶奶的号码 奶奶这个号 奶奶的电话 奶奶的电话手表 爷爷的手机
        爷爷手机 爷爷的号 爷爷的号码 爷爷这个号 爷爷的电话 爷爷的电话手表 老人的手机 老人手机 老人的号 老人的号码
        老人这个号 老人的电话 老人的电话手表 老人家的手机 老人家手机 老人家的号 老人家的号码 老人家这个号
        老人家的电话 老人家的电话手表 孩子的手机 孩子手机 孩子的号 孩子的号码 孩子这个号 孩子的电话 孩子的电话手表
        我妈的手机 我妈手机 我妈的号 我妈的号码 我妈这个号 我妈的电话 我妈的电话手表 我爸的手机 我爸手机 我爸的号
        我爸的号码 我爸这个号 我爸的电话 我爸的电话手表 妈妈的手机 妈妈手机 妈妈的号 妈妈的号码 妈妈这个号
        妈妈的电话 妈妈的电话手表 爸爸的手机 爸爸手机 爸爸的号 爸爸的号码 爸爸这个号 爸爸的电话 爸爸的电话手表
        老妈的手机 老妈手机 老妈的号 老妈的号码 老妈这个号 老妈的电话 老妈的电话手表 老爸的手机 老爸手机 老爸的号
        老爸的号码 老爸这个号 老爸的电话 老爸的电话手表 父母的手机 父母手机 父母的号 父母的号码 父母这个号
        父母的电话 父母的电话手表 我儿子的手机 我儿子手机 我儿子的号 我儿子的号码 我儿子这个号 我儿子的电话
        我儿子的电话手表 我女儿的手机 我女儿手机 我女儿的号 我女儿的号码 我女儿这个号 我女儿的电话 我女儿的电话手表
        儿子的手机 儿子手机 儿子的号 儿子的号码 儿子这个号 儿子的电话 儿子的电话手表 女儿的手机 女儿手机 女儿的号
        女儿的号码 女儿这个号 女儿的电话 女儿的电话手表 我老公的手机 我老公手机 我老公的号 我老公的号码 我老公这个号
        我老公的电话 我老公的电话手表 我老婆的手机 我老婆手机 我老婆的号 我老婆的号码 我老婆这个号 我老婆的电话
        我老婆的电话手表 外婆的手机 外婆手机 外婆的号 外婆的号码 外婆这个号 外婆的电话 外婆的电话手表 外公的手机
        外公手机 外公的号 外公的号码 外公这个号 外公的电话 外公的电话手表 姥姥的手机 姥姥手机 姥姥的号 姥姥的号码
        姥姥这个号 姥姥的电话 姥姥的电话手表 姥爷的手机 姥爷手机 姥爷的号 姥爷的号码 姥爷这个号 姥爷的电话
        姥爷的电话手表 我妈妈的手机 我妈妈手机 我妈妈的号 我妈妈的号码 我妈妈这个号 我妈妈的电话 我妈妈的电话手表
        我爸爸的手机 我爸爸手机 我爸爸的号 我爸爸的号码 我爸爸这个号 我爸爸的电话 我爸爸的电话手表 我奶奶的手机
        我奶奶手机 我奶奶的号 我奶奶的号码 我奶奶这个号 我奶奶的电话 我奶奶的电话手表 我爷爷的手机 我爷爷手机
        我爷爷的号 我爷爷的号码 我爷爷这个号 我爷爷的电话 我爷爷的电话手表 小孩的手机 小孩手机 小孩的号 小孩的号码
        小孩这个号 小孩的电话 小孩的电话手表
        this_number this_phone my_phone my_cell my_number my_phone_number the_number my_mobile this_cell
        my_cell_phone my_mobile_number my_info my_information my_data my_details my_contact my_name our_number
        my_contact_info my_telephone_number my_cell_number this_phone_number this_line our_line our_phone
        this_contact this_mobile this_no our_numbers these_numbers my_numbers my_email my_contact_number
        this_telephone this_device my_device my_landline this_landline my_inbox my_hp my_hp_no my_hp_number
        my_handphone my_handset this_handset my_no my_num this_num my_digits my_line my_telephone my_details_out
        the_number_below her_number his_number their_number mums_number my_mothers_number my_sons_number
        my_daughters_number my_dads_number my_moms_number my_wifes_number my_husbands_number her_phone his_phone
        their_phone
    """,
    # A list, or what stands on it.
    "h": """
        名单 列表 系统 数据库 通讯录 库 电话名单 名单里 个人信息 群发名单 客户名单 发送名单 联系人列表 电话本 号码
        手机号码 电话号码 个资 资料库 发送列表 群发系统 外呼名单 外呼系统 呼叫名单 营销库 电销名单 推送名单 行销名单
        发送清单 清单 通讯名单 系统里 名单中 联系簿 号簿 门号 电话簿 群组 客户资料 资料 群发列表 群发里 群发组
        外呼任务 催收库 后台 后台系统 名册 任务 任务名单 客户群 客户群里
        list lists database system records mailing_list contact_list call_list calling_list data distribution
        distribution_list phone_number telephone_number number details contacts contact_info rotation
        database_system call_log marketing_list phone_book phonebook directory subscribers roster subscriber_list
        user_list text_list sms_list phone_list your_lists contact_lists calling_lists broadcast dialer dialler
        dialing_list crm autodialer send_list txt_list texting_list mail_list maling_list sms_group broadcast_list
        robodialer database_records call_sheet marketing_database contact_database mailings mailing_system files
        file
    """,
    # Consent.
    "q": """
        同意 授权 许可 短信授权 个人信息授权 营销授权
        consent permission authorization authorisation
    """,
    # Again, any more, for ever.
    "a": """
        再 再次 继续 一直 老 老是 总是 总 天天 整天 又 反复 不停 每天 成天 频繁 一天到晚 不断 长期 不停地 随便 到处
        乱 瞎 隔三差五 三天两头 反反复复 连续 完全 接着 一而再 还 半个 净系 成日 又再 一次次 一遍遍 一个劲 一个劲儿
        没完没了 没完没了地 不停的 不间断 三番五次 三番两次 接二连三 有事没事 动不动 老这么 这么频繁 过于频繁 频频
        依旧 总来 再三
        further more future every_day everyday all_the_time constantly continuously continuing repeatedly completely
        another at_all altogether again agn agen agian every_single_day each_day every_hour every_time nonstop
        endlessly relentlessly evr
    """,
    # For ever: no one says it of a while.
    "A": """
        以后 今后 永远 永久 从此 从今 从今以后 往后 再也 从今天起 即日起 从现在开始 从现在起 一辈子 以后都 今后都
        从今往后 今天开始 今天起 从今日起 自今日起 明天起 现在起 现在开始 从今开始 今日起 即刻起 从即日起 今生
        往后余生 后续 日后 彻底
        anymore any_more ever_again never_again from_now_on permanently forever in_future in_the_future any_longer
        henceforth going_forward moving_forward hereafter for_good once_and_for_all anymo nemore animore ever_agn
        any_mor anymor no_longer hence_forth for_life until_the_end_of_time anywhere any_time at_any_time
        at_any_hour ever
    """,
    # The writer.
    "m": """
        我 我的 本人 俺 咱 我们 偶 本机 我这 俺们 人 群众 老百姓 我家 老子 老娘 本姑娘 本小姐 鄙人 在下 人家 额
        我屋企 我们家 本机主 机主本人 本户 本人手机 老汉 我手机 我这儿 我这里 我这边
        me my us our mine i im ive myself here
    """,
    # The other side.
    "y": """
        你 您 平台 你家 妳 各位
        you u your ur yours yall ya from_you from_u your_end you_all u_lot
    """,
    # The other side, by a name that no friend gets.
    "C": """
        你们 您们 贵司 贵公司 贵行 你司 你行 你公司 你哋 妳们 贵方 你方 贵平台 你们公司 你们银行 你们平台 客服
        工作人员 你们这些 贵机构 贵财务公司 你们客服 贵单位 贵集团 贵中心 机器人 你们这帮 你们这群 催收公司 贷款公司
        your_company your_bank your_organization your_organisation your_service your_team you_guys you_people
        you_ppl u_ppl u_people u_guys these_people your_agents your_staff your_call_centre your_call_center
        your_firm your_business una your_agency
    """,
    # A request.
    "p": """
        请 麻烦 求 求求 求你 求求你 求求你们 拜托 要求 劝 警告 请你 请你们 请您 烦请 强烈 务必 一定 必须 严正 郑重
        郑重声明 强烈要求 希望 我要求 正式 劳烦 劳驾 申请 帮 帮我 帮忙 给我 替我 立即 立刻 马上 尽快 赶紧 现在就
        最好 给办 办理 跪求 唔该 通知你们 声明 劝你们 警告你们 恳请 恳求 即刻 兹要求 特此要求 特要求 现要求 麻烦你们
        麻烦您 烦劳 帮手 帮我手 人工 请求 敬请 望 盼 拜托拜托 跪谢 行行好 高抬贵手 求求了 帮帮忙
        please pls plz plse pleas kindly could_you would_you can_you can_u could_u will_you i_demand i_insist
        i_am_asking im_asking i_ask i_request request asking_you formally hereby demand must immediately at_once
        asap right_away can_i_please urgently would_appreciate_it_if_you would_appreciate_it beg i_beg begging
        if_its_not_too_much_trouble if_it_isnt_too_much_trouble if_you_dont_mind if_you_would_be_so_kind
        if_you_please if_possible grateful_if_youd grateful_if_you_would would_be_great_if_you
        would_be_great_if_you_could would_be_good_if_you appreciate_it_if_youd appreciate_if_you_could
        appreciate_it_if_you_could grateful_if_you_could be_grateful_if_you_could it_would_be_nice_if_you
        would_you_mind would_u_mind do_you_mind mind_if_you instruct instructed want_you_to i_want_you_to
        need_you_to i_expect_you_to formally_request formally_requesting i_am_requesting im_requesting requesting
        i_am_formally_requesting i_am_telling_you im_telling_you i_tell_you direct_you order_you ordering_you
        may_i_be plss plsss pleeease pleaseee pleese plees svp por_favor bitte gelieve per_favore
        for_the_love_of_god for_gods_sake for_goodness_sake for_heavens_sake for_the_love_of might_i_trouble_you_to
        may_i_trouble_you_to may_i_ask_you_to could_i_ask_you_to might_i_ask_you_to can_i_ask_you_to ensure
        make_sure see_to_it please_ensure appreciate_it_if_you appreciate_if_you grateful_if_you prefer_if_you
        prefer_it_if_you great_if_you nice_if_you like_it_if_you love_it_if_you good_if_you glad_if_you
        pleased_if_you be_grateful_if_you be_great_if_you be_nice_if_you be_good_if_you rather_you prefer_you
    """,
    # May, can, will, would like: asks where it asks the other side, and else only tells.
    "L": """
        能不能 可以 可否 能否 可不可以 能 可 得 需要 想 要 想要 我要 我想 应该 好歹
        would could can should will need want like wanna would_like need_to want_to i_need i_want i_want_to
        i_need_to id_like id_like_to i_would_like_to would_like_to wish wish_to i_wish_to i_wish ask asking
        appreciate let telling can_someone can_somebody can_i_get require requires
    """,
    # What goes with a refusal and weighs neither for nor against it.
    "s": """
        没兴趣 不感兴趣 已还清 还清 还清了 已经还清 还完 还完了 结清 不需要贷款 不买 不办 不借钱 没钱 烦人 讨厌死了
        侵犯 隐私 法律 不是我 没借 没贷款 没有贷款 没欠 与我无关 跟我无关 和我无关 影响 生活 脸 要脸 傻 傻逼 混蛋
        烦得 忍 后果自负 追究 责任 权利 不认得 没办过 没用过 不想贷 过分 隐私权 报案 律师 受够 不知道 太多 频率 素质
        借款 欠你们 学生 没工作 受到 心情 正常生活 工作 很忙 困扰 严重 太过 反感 厌恶 无语 麻木 心烦 头疼 老是这样
        天天这样 不存在 没关系 别人 去世 过世 已录音 录音了 已截图 投诉到底 报警处理 累了 快疯了 疯了 神经衰弱
        影响我 侵权 民法典 消费者权益 消保 银监 金融监管 代理律师 骗钱 骗人 瞎贷 高利贷 不需要了 不感兴趣了 没兴趣了
        不借 不贷 不贷款 不办卡 不买保险 不买房 不要贷款 不想借 不想贷款 欠钱 前机主 原机主 新机主 前号主 号主
        换机主了 新办的号 刚办的号 孕妇 住院 抑郁症 心脏病 血压 高血压 吓到 吵醒 丧 过世了 去世了 走了 不在人世
        not_interested sick tired illegal fcc ftc tcpa enough fed_up paid paid_off never_signed idiots fuck law
        legal action violation invasion privacy not_karen new_number changed_numbers no_loan sorry fraud assholes
        asshole bastards dont_need_it not_your_customer dont_know_you not_me dont_owe owe nothing_to_do
        how_many_times how_many_times_do_i_have_to has_nothing died dead passed_away deceased moved unemployed busy
        already_told told_you asked_you many_times unwanted_texts fcc_complaint nope borrowed borrower debt owe_you
        owe_anything bothersome spammy illegal_calls hate told_you_before asked_you_before told_you_already
        asked_before said_before dnd tcccpr ico dnc_registered popi ndpr ftc_complaint small_claims cease_desist
        nuisance spammers scammer_company thief thieves criminals loan_shark loan_sharks con_artists crooks
        fraudsters disabled pregnant elderly widow widowed bereaved funeral passed passed_on late_husband late_wife
        third_time fourth_time tenth_time fifth_time hundredth_time last_time third_request second_request
        final_request final_warning last_warning how_many_more_times what_dont_you_understand_about which_part_of
        dont_you_understand_about ridiculous disgusting
    """,
    # Anger, a wrong person, a threat: a person looks.
    "S": """
        投诉 举报 报警 起诉 滚蛋 打错 打错了 发错 发错了 不是本人 换号 换号了 烦死 烦死了 拉黑 拉黑了 屏蔽 烦不烦
        认错人 不认识 骗子 诈骗 搞错 搞错了 打错电话 有完没完 放过 屏蔽你们 拉黑你 拉黑你们 投诉你们 举报你们 告你们
        有病 神经病 真烦 好烦 太烦 换人了 换人 换主人 换机主 换号码 不是机主 非本人 少发点 少打点 不要再出现
        别再出现 别再推荐 放过我 放过我吧 求放过 别缠着我 别缠着 别烦 饶了我 受不了 找错 找错人 找错人了 黐线 痴线
        有毛病 脑残 智障 去死 搬走 搬走了 不在了 号主换了 刚换的号 新号 换的号 发错人 发错人了 检举 曝光 工信部的函
        王法 免打扰 烦球 鬼火 神烦 别烦我 别来找我 别找我 不得安宁 打爆 太频繁 太频 太多了 少发 少打 减少 生路
        怎么有我 哪来的我的 哪里来的我的 谁给的 怎么知道我 个人信息泄露 信息泄露 泄露 核实清楚 不是她的 不是他的
        不是佢 唔系佢 没有这个人 没这个人 没有姓 查无此人 停扰 清静 安静点 消失 别想着我 别惦记 骗子公司 律师函
        工信部 银保监 银保监会 消协 个人信息保护法 个保法 提款机 吃饱了撑 做个人 恶心 缺德 无耻 不要脸 没素质
        还有完没完 怎么还发 怎么还有 怎么还在 怎么又发 怎么又打 还在发 还在打 还给我发 还敢发 还打 怎么还打 刚办的
        新办的 号是我的 号现在是 没这人 冇呢个人 冇呢个 没有叫 没叫 冇姓 没姓 无姓 不姓 发到这儿 到此为止 再发试试
        再打试试 发一条试试 打一次试试 再发一条试试 从哪里知道我 从哪知道我 怎么会有我 怎么有我的 有意思吗 阴魂不散
        逼疯 违法 已故 银监会 没借过 第几条 几条了 第几次 第几个电话 吵死 吵死了 吵死啦 垃圾公司 不会再打 不会再发
        找谁 机主 才能收不到 才能不收到 滚出去 滚开 滚远 滚吧 给我滚 滚粗
        12321 wrong_number wrong_person go_away get_lost leave_me_alone fuck_off scam scammer blocked wrong_no
        piss_off text_only sue suing no_such_person last_text last_message the_last_text the_last_message let_me_be
        give_me_a_break leave_us_alone let_me_go my_lawyer my_attorney nobody_by no_one_by noone_by nobody_here
        no_one_here nobody_named no_one_named no_one_called nobody_called belongs_to_a this_line_belongs_to
        this_number_belongs_to this_phone_belongs_to not_my_loan how_did_you_get_my how_did_u_get_my
        where_did_you_get_my how_did_you_get_this who_gave_you_my who_gave_u_my who_gave_you_this where_you_get_my
        how_you_get_my got_my_number_from reporting_you report_you reporting_u report_u report_this reporting_this
        reported go_to_hell drop_dead screw_you bugger_off sod_off piss_of bog_off shut_up f_off eff_off up_yours
        get_a_life too_many_texts too_many_messages too_many_calls too_many_sms so_many_texts so_many_messages
        so_many_calls so_many_sms fewer_texts fewer_messages fewer_calls less_texts less_messages less_calls
        less_often hold_off hold_off_on ease_up texts_less keeps_calling keeps_texting still_getting still_receiving
        still_sending still_texting still_messaging still_msging still_txtin still_spamming still_send sick_of_this
        tired_of_this fed_up_of_this had_enough this_is_harassment stalker stalkers emails_only email_only
        letters_only post_only by_post_only in_writing_only by_email_only thinking_about_unsubscribing
        not_the_person not_that_person not_him not_her changed_number changed_my_number new_owner_of_this new_owner
        bin_it do_me_a_favour do_us_a_favour do_one privacy_violation invading_my_privacy una_be_thief god_go_judge
        go_judge disturb_me_tire tire_me mad_people mugu leave_me_out leave_me_be leave_us_be done_with_you
        done_with_this not_for_me no_thx stop_harassment shameless bie_fa bie_zai bu_yao_zai tui_ding ju_shou
        qing_wu bie_da wu_rao still_am_getting why_am_i_still why_am_i_getting why_do_i_keep why_do_you_keep
        why_are_you_still why_u_still why_you_still stop_disturb gdpr uk_gdpr pdpa consumer_forum ombudsman trai
        regulator lawsuit lawyers_letter 12315 12378 filing_a_complaint file_a_complaint complaining unbelievable
        pathetic_company pause_the pause_these pause_messages count_me_out zero_contact untick no_consent
        less_of_you done_hearing leave_this_number nobody_ask aint_nobody jangan tolong hapus berhenti keine nicht
        veuillez desabonner retirer arretez mensajes mensajes_por manden mande enviar envien mensagens nao_quero
        huwag itigil tigilan dung_gui ngung mat_karo mat_bhejo band_karo nahi_chahiye nahin_chahiye parem pare_de
        chega smettete smettetela niet_meer geen_sms yeter istemiyorum otpishite otpiska qing_buyao buyao_zai
        bie_zai_fa buyao_fa unwelcome be_done_with done_with_these scammers fuck_you f_you so_annoying
        enough_already this_is_spam are_harassing youre_harassing is_harassing harassing_people the_police
        call_the_police police_report text_less call_less message_less email_me_instead email_me_only letter_only
        not_before doesnt_live_here not_live_here no_longer_lives moved_out doesnt_have_this no_longer_has_this
        no_longer_uses will_report report_it reporting_it will_block block_you block_u blocking_you blocking_u
        block_them make_a_complaint file_complaint filing_complaint a_formal_complaint wrong_guy wrong_man
        wrong_lady wrong_one wrong_girl wtf_is wrong_with_you account_holder still_calling thinking_of_cancelling
        turns_these_off end_this second_text second_call second_message second_sms third_text third_call
        third_message third_sms fourth_text fourth_call fourth_message fourth_sms fifth_text fifth_call
        fifth_message fifth_sms sixth_text sixth_call sixth_message sixth_sms seventh_text seventh_call
        seventh_message seventh_sms eighth_text eighth_call eighth_message eighth_sms ninth_text ninth_call
        ninth_message ninth_sms tenth_text tenth_call tenth_message tenth_sms 2nd_text 2nd_call 2nd_message 2nd_sms
        3rd_text 3rd_call 3rd_message 3rd_sms 4th_text 4th_call 4th_message 4th_sms 5th_text 5th_call 5th_message
        5th_sms 6th_text 6th_call 6th_message 6th_sms 7th_text 7th_call 7th_message 7th_sms 8th_text 8th_call
        8th_message 8th_sms 9th_text 9th_call 9th_message 9th_sms 10th_text 10th_call 10th_message 10th_sms
        not_during not_after not_at_night no_marketing
    """,
    # Enough of; only.
    "E": """
        受够了 够了 免了 烦透了 厌烦 厌倦
        enough_with enough_of sick_of tired_of fed_up_with fed_up_of had_it_with sick_and_tired_of tired_of_getting
    """,
    # Done already, or in vain.
    "P": """
        已经 已 早就 上周 上次 昨天 之前就 曾 曾经 上个月 刚才 刚刚 早已 前几天 去年 多少遍 几次 几遍 很多次 多少次
        无数次 好几次 过了 失败 不了 不成功 没成功 仍 仍然 依然 没用 无效
        yesterday last last_week earlier twice times previously ago didnt_work still was_told
    """,
    # Did not.
    "G": """
        没有 未
        havent have_not didnt did_not doesnt does_not
    """,
    # Before: a condition where something stands before it.
    "Q": """
        之前 以前
    """,
    # For a while, or at a time of day.
    "g": """
        中午 晚上 早上 上班 周末 明天 这几天 半夜 夜里 上课 开会 休息 休息时间 睡觉 工作时间 暂时 先 这周 本周
        这个月 白天 深夜 凌晨 最近 过年 大半夜 午休 夜间 大清早 一大早 上班时间 下班 下班后 这两天 临时 开车 这会
        这会儿 午饭 吃饭 周日 周六 星期天 星期日 节假日 春节 国庆 早晨 清晨 上午 下午 点 点后 点以后 工作日 期间
        时间 时候 时段 最近几天 一段时间 月底 暂 一会 一会儿 待会 明早 礼拜天 晚 过几天 马上到 马上来 马上回
        马上就到 马上回来 就到 快到了 我到了 在路上 路上 在忙 正忙 我在忙 一个月 两个月 三个月 几个月 半个月 半年
        一周 两周 一星期 两天 三天 几天 一阵子 一阵 考试 高考 做手术 手术 医院 点前 月前 号前 完前 清前 底前 假前
        年前 礼拜日 礼拜六 礼拜 星期六 星期 周内 双休日
        at_work at_night tomorrow after during on_weekends weekends on_sunday on_sundays late until_further early
        this_week this_month for_now so_late so_early on_saturday on_saturdays sunday sundays past_9 in_the_morning
        in_the_evening work_hours working_hours business_hours hours pm oclock office_hours for_a_while this_weekend
        next_week at_dinner during_work evenings mornings nights holidays at_home in_class in_a_meeting sleeping
        driving temporarily lunch dinner sleep bedtime weekdays few between minutes hour week weeks month day days
        weekend ramadan eid before till until while
    """,
    # If.
    "f": """
        如果 要是 假如 若 除非 的话 倘若 万一 如若 若是 假使 只要 直到 只有 除了 前提 倘 等我 只接受 只收短信 只接电话
        只发短信 只用短信 只能发 只许发 只打电话 仅限
        if unless except once in_case when_i except_for unless_its unless_you only_text only_call only_contact
        only_email only_sms only_message
    """,
    # Or else: what one threatens with if the demand is not met.
    "8": """
        否则 不然 要不然 再不 再发我就 再打我就 再敢 我就
        otherwise or_else next_time one_more_of_these once_more
    """,
    # How, why, whether.
    "?": """
        怎么 如何 怎样 咋 为什么 为啥 为何 凭什么 怎么样 怎么才 咋样 是不是 是否 哪里 哪儿 在哪 有没有 干嘛 什么时候
        几时 点解 点样 多久 啥时候 难道 谁 谁说
        how why where when can_i could_i may_i is_it_possible who what whats hows do_i is_there should_i if_i did_i
        am_i why_do why_are how_do how_can whether how_to did_you didnt_i do_you have_i why_dont why_didnt
    """,
    # Said, by someone.
    "b": """
        说 叫 告诉 说要 问 说过 讲 听说 写着 写 劝我 喊 嘱咐 提到 标题 显示 转发
        said says told saying tells asked mentioned quote wrote tell say heard think thought
    """,
    # Others than the two who write.
    "j": """
        家人 家里人 朋友 同事 父母 爸 妈 爸爸 妈妈 老婆 老公 亲戚 单位 公司 联系人 儿子 女儿 哥哥 姐姐 弟弟 妹妹
        爸妈 我妈 我爸 老师 领导 亲人 亲友 家属 第三方 他人 同学 邻居 紧急联系人 前妻 前夫 奶奶 爷爷 老妈 老爸 医生
        村里 村委 姥姥 我家人 我家里 我家里人 我朋友 我同事 我单位 我公司 我父母 我老婆 我老公 我妈妈 我爸爸 我亲戚
        我孩子
        family friend friends work mother mom mum father dad wife husband boss sister brother coworkers parents
        relatives employer office job son daughter kid kids mommy daddy neighbor neighbors girlfriend boyfriend
        everyone colleague colleagues grandma dear_friend hubby references reference workplace teacher doctor
    """,
    # A third person.
    "J": """
        他 她 他们 她们 它
        him he she they it_is baby babe honey darling sweetheart love no_one nobody noone her
    """,
    # Now, today: a limit of "do not", and none of "stop".
    "3": """
        今天 现在 今晚 今日 此刻 目前
        today tonight right_now at_the_moment at_this_time now
    """,
    # Takes what is acted upon before the verb.
    "4": """
        把 将
    """,
    # Will pay: a "do not call" beside it is a plea for patience.
    "5": """
        会还 就还 马上还 明天还 后天还 再还 慢慢还 尽快还 下周还 周一还 周二还 周三还 周四还 周五还 周六还 周日还
        月底还 下月还 会还的 会还款 就还款 马上就还 立刻还 肯定还 一定还
        will_pay ill_pay gonna_pay going_to_pay pay_tomorrow pay_you will_settle ill_settle will_clear ill_clear
    """,
    # Intends to, perhaps.
    "6": """
        可要 就要 打算 考虑 准备
        might may i_might i_may im_going_to thinking_of thinking_about considering and_ill or_ill then_ill or_i_will
        and_i_will then_i_will i_will_just
    """,
    # Stopped: asks for an end only behind "I would be glad if you".
    "7": """
        stopped ceased
    """,
    # What turns "do not" into its contrary: do not forget to call.
    "F": """
        忘 忘了 忘记 忘掉 犹豫 客气 担心 怕 着急 急 误会 介意 忙着 急着 想着 以为 指望 光顾着 误以为 傻等 干等 见怪
        forget forget_to hesitate hesitate_to wait wait_to wait_for mind worry expect know knw remember miss fail
        fail_to think_i think_you understand see_why delay be_afraid be_shy need_to_call have_to_call need_to_text
        want_me_to have have_to see_your_call see_my
    """,
    # A certain thing, and not messages.
    "T": """
        the his their he_s our_own my_own another_one
    """,
    # English "to", before a verb.
    "Z": """
        to
    """,
    # A word of refusal in another sense.
    "z": """
        发火 发脾气 发呆 发愁 发货 发烧 发神经 发票 发抖 发工资 工资 打车 打球 打架 打折 打包 打字 打针 打卡 打工
        打印 打开 打扫 打听 打赌 打分 打钱 打款 打麻将 打牌 打人 打他 打她 打孩子 打招呼 打盹 打雷 打篮球 打呼噜
        打瞌睡 打岔 打断 打击 打脸 打仗 打死 打嗝 打喷嚏 打水 打饭 打滴滴 打伞 打酱油 打车票 打的 发朋友圈 发红包
        发照片 发图 发图片 发语音 发视频 发位置 发定位 发表情 发现 发生 发言 发布 发表 发誓 发胖 发福 发财 发展 发挥
        发动 发疯 发癫 发奖金 发钱 发快递 发微博 发帖 发文件 发邮箱 发作业 发作 别忘 别忘了 不要忘 不要忘了 不要忘记
        别忘记 别误会 停车 停电 停水 停课 停工 停战 停产 停业 停运 停车场 停车费 停药 暂停营业 停办 停薪 停牌 别停
        雨停 停停 停不下来 不停车 取消约会 取消航班 取消会议 取消订单 取消预约 取消资格 取消比赛 取消考试 取消行程
        取消婚礼 取消活动 取消课程 取消聚会 取消关系 取消分期 取消绑定 取消自动 取消机票 取消酒店 取消会员 收拾 收藏
        收入 收据 收获 收货 收件 收购 收款 收工 收衣服 收钱 接受不了 接人 接孩子 接你 接机 接吻 来不及 来得及 来着
        到来 本来 原来 后来 起来 出来 回来 看来 未来 越来越 将来 从来 别墅 特别 分别 区别 级别 个别 性别 告别 离别
        类别 别扭 识别 差别 辨别 别的 别致 别处 电话号码是 不得了 不可能 不能不 不要紧 不要脸的 不要钱 不少 多少
        少爷 少年 少女 少喝 少吃 少了 快递 包裹 外卖 订单 拒收快递 拒收货 货 件 拒签 退货 退款 退钱 退票 退房 退课
        退押金 退税 退休 退学 退费 发奋 传说 传统 传播 传染 传达 传递 传奇 宣传片 寄快递 寄东西 寄件 要求婚 酒店 报纸 牛奶 鲜奶 杂志 报刊 民宿 客房 健身卡
        机票 房间 宽带 套餐 航班 车票 门票 会员 视频 音乐 课程 公众号 爱奇艺 腾讯 流量包 彩铃 不信 可信 迷信 相信
        信任 信心 信用 微信 信号 信不信 自信 诚信 通知书 提醒我 消息灵通 好消息 号召 电话粥 手机壳 等一下 联系人是
        联系方式 联系电话 推广员 打扰了 打扰一下 打扰您 不打扰 没打扰 群里 想念 想起 想法 想要你 吵架 找工作 找房
        找到 找对象 找不到 理发 道理 找零 找钱 停一下车 停止营业 停止合作 停止更新 停止接单 停止服务了吗 停止工作
        停止运行 停止呼吸 停止生长 停止运营 停止心跳 取消关注 挂电话 舍不得 不得不 不得已 巴不得 恨不得 记不得
        见不得 使不得 顾不得 怪不得 由不得 停卡 停机 征信黑名单 上了黑名单 信用黑名单 停在 这局 这把 打游戏 开黑
        取消短信密码 取消密码
        bus_stop stop_at stop_over stopover full_stop non_stop cant_stop cannot_stop dont_stop do_not_stop
        never_stop never_stops wont_stop didnt_stop pit_stop one_stop next_stop last_stop train_stop stop_sign
        short_stop doesnt_stop stop_in stop_off stop_worrying stop_crying stop_lying stop_thinking stop_smoking
        stop_laughing stop_drinking stop_playing stop_loss stop_watch stopwatch stop_payment stops dont_forget
        never_forget dont_worry dont_be dont_quit do_not_quit end_of the_end in_the_end at_the_end dead_end end_up
        ending quit_smoking quit_my quit_job quit_work call_it call_off calling_it call_center call_centre
        phone_charger phone_bill ring_road wedding_ring cancel_my_appointment cancel_the_order cancel_my_order
        cancel_the_meeting unsubscribed_from_his block_of last_call on_call roll_call call_me_crazy text_book
        textbook subject_to no_idea sick_leave sick_day no_problem no_worries why_not if_not or_not do_not_have
        why_dont_you block_my_card block_the_card get_back get_there get_home put_it take_care drop_by drop_off
        forget_it lose_weight isnt texting_and_driving text_and_drive stop_by the_stop my_stop your_stop a_stop
        this_stop which_stop stop_work stop_the_car stop_the_bus stop_the_music stop_the_video quit_school
        quit_college quit_the_job quit_drinking quit_now stop_paying stop_eating stop_making stop_asking
        stop_driving stop_talking stop_complaining stop_dreaming stop_doing stop_working stop_moving stop_looking
        stop_and stop_before stop_here stop_there stop_for_a stop_wasting stop_it_there stop_it_here
        do_not_disturb_is_on do_not_disturb_mode do_not_disturb_sign do_not_disturb_on do_not_share do_not_share_it
        dont_share never_share hang_up write_down write_off blocked_me with_do_not_disturb
    """,
    # A question mark in one word.
    "!": """
        吗
    """,
    # What changes nothing.
    "l": """
        了 啦 吧 啊 呀 好吗 行吗 行不行 好不好 可以吗 嘛 哈 呢 的 地 过 着 去 到 给 向 对 在 个 条 些 任何 这 那
        这种 这类 这些 此 该 此类 一切 所有 全部 都 也 就 什么 啥 类 类似 相关 有关 烂 破 狗屁 他妈的 他妈 妈的 鬼
        真 真的 太 很 好 嗯 哦 喔 噢 哎 喂 好的 行 听见没 听见没有 听到没 听到没有 知道吗 明白吗 一下 下 们 而且
        那种 各种 各类 乱七八糟 无聊 无用 讨厌 俾 畀 嘅 啲 咁 喇 嚟 哋 佢 系 由 跟 与 和 或 或者 及 以及 还有 一个
        一条 一次 两次 多 多次 些什么 之 以 关于 有 是 会 并 请问 哈哈 垃圾的 你妈 你妹 好么 好不 行么 谢谢 谢了
        多谢 感谢 您好 你好 辛苦了 哪怕 半 为 做 进行 行为 这样 这么 这样的 用 使用 通过 方式 形式 过来 过来了 上 里
        中 内 自 服务 业务 功能 那个 啊啊 喔喔 呗 嗨 亲 大哥 大姐 姐 哥 立 马 起 因为 所以 但 但是 不过 既然 毕竟
        反正 让 使 令 予 予以 于 至 我说 麻烦了 好伐 哎呀 贷款 保险 理财 信用卡 借贷 产品 活动 优惠 优惠券 额度 分期
        办卡 开户 投资 欠款 还款 账单 逾期 其他 其它 半个字 一个字 半条 一毛 任何的 一切的 毫无 意义 类的 之类的
        等等 那些 那类 些个 一 二 三 四 五 六 七 八 九 十 百 千 万 两 几 零 行了 就行 即可 便是 只 此类的 的话费
        老板 给我家 借款人 欠款人 债务人 担保人 客户 用户 不是 没有人 了吧 么 天 年 月 就是 还是 只是 而已 罢了 也好
        还给 家 里面 上面 之类 整 每 各 咧 喽 咯 呐 嗦 哒 㗎 啫 晒 返 埋 紧 咗 仲 就系 咩 嘞 哉 噻 撒 嗷 哩 咧啊
        这个 那些个 这玩意儿的 谢谢了您 啦啊 厚 齁 捏 叻 唻 球 得很 到底 特么 他娘的 他娘 娘的 妈蛋 尼玛 泥马 卧槽
        我靠 我擦 卧龙 统统 一概 一律 通通 全都 全 光 只求 烂七八糟 啥啥 有的没的 十几个 几十个 号 电话号 手机号
        阿姐 阿哥 阿sir 大佬 师傅 老铁 哥们 兄弟 姐妹 妹子 小姐 先生 女士 朋友们 帅哥 美女 欸 诶 唉 噶 嘎 啰 罗 哇
        呜 呃 嗯嗯 东西 玩意 玩意儿 内容 这玩意 直接 私自 擅自 随意 任意 恶意 非法 违规 无端 平白无故 主动 单独
        反复地 我就要 我就想 推广的 借钱的 借钱 网贷 贷款的 高息 追数 追债 懂 懂吗 懂不懂 听懂没 祝 顺利 ok吗 往
        这儿 那儿 这边 那边 这里 有事 老人 老人家 能够 尊重
        tm tmd ok a an any all these this those that it of for in at by with and of_any to_any some such of_these so
        okay hi hello hey dear sir madam thanks thank_you thx ty guys folks man dude bro damn fucking fuckin
        freaking stupid dumb goddamn unwanted unsolicited kind type sort anything nothing about up over through via
        is are was were been do does did has had thats its as numbers cell mobile way manner purposes any_kind
        these_kind everything seriously really both either nor stupid_ass then because also too there if_you_would
        be_so_kind as_to well yes yeah yep alright thank much very loan loans credit insurance bank service services
        information company product products back people days_ago anyone somebody someone anybody else in_any_way
        whatsoever whatever form forms kinds types sorts daily effective good morning evening afternoon team which
        where_you kindest gonna going other more_of other_than regarding related concerning per repeated random
        endless lot lots instead only reply replying w r n 2 4 da dis dese or whoever somehow md mmp nnd bloody just
        lah leh lor liao sia hor meh lar alr la ar ah kindly_pls pls_pls biko jare abeg oga oya ooo ooh wey pesin
        aunty uncle mate lad lads fella fellas pal oi eh wah ta cheers luv hun innit yo like_seriously already
        stuff_like_this such_like literally absolutely actually honestly frankly simply even goddam goddamned effing
        frigging freakin flipping blinking bleeping sodding friggin fkn fking fkin fcking damned pathetic annoying
        irritating nasty silly useless damn_it dammit geez jeez christ ffs wtf omg pls_lah henceforth_pls ok_bye
        okay_bye regards best_regards kind_regards best_wishes my_friend my_brother my_sister my_dear dear_all
        dear_team boss_man whole entire overall regard manner_whatsoever anyhow any_way by_any_means in_any_form
        any_form under_any_circumstances under_any_circumstance in_any_circumstance whatsoever_reason no_matter_what
        everyday_send_one before_u things stuff shit bs thing b4 being auto automatic automatically robot robots bot
        bots dey no_vex una_too trying trying_to give gave giving gives what_part_of yaar arre bhai bhaiya ji sirji
        sirjee na one_more on keep keeps kept processing direct them
    """,
}


def _tree() -> dict[str, Any]:
    """A tree over the words of English and the characters of Chinese phrases; a phrase's part stands under ''."""
    root: dict[str, Any] = {}
    for part, phrases in PARTS.items():
        for phrase in phrases.split():
            node = root
            for step in words_of(phrase.replace("_", " ")):
                node = node.setdefault(step, {})
            node[""] = part
    return root


TREE = _tree()
KNOWN = frozenset(
    step for phrases in PARTS.values() for phrase in phrases.split() for step in words_of(phrase.replace("_", " "))
)
_CORRECTIONS = corrections(KNOWN)
